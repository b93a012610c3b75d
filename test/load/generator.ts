/** The load generator, a process of its own: runs one load it is sent and answers with what it saw. */
import { HttpConnection, type Exchange } from './http-connection.js';
import type { Load, LoadResult } from './load.js';

const CHUNK_NUMBER = /w(\d{5}) /g;

function requestOf(load: Load): Buffer {
  const body = Buffer.from(load.body);
  const head = [
    `POST ${load.path} HTTP/1.1`,
    `host: ${load.host}:${load.port}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `authorization: Bearer ${load.key}`,
    ...Object.entries(load.headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** Whether every numbered chunk arrived once and in order, and the stream ended as it should. */
function isWholeStream(body: Buffer, chunks: number): boolean {
  const text = body.toString('latin1');
  let expected = 0;
  for (const match of text.matchAll(CHUNK_NUMBER)) {
    if (Number(match[1]) !== expected) return false;
    expected += 1;
  }
  return expected === chunks && text.includes('[DONE]');
}

class Run {
  readonly latencies: number[] = [];
  readonly firstBytes: number[] = [];
  readonly gaps: number[] = [];
  errors = 0;
  broken = 0;

  constructor(private readonly load: Load) {}

  record(exchange: Exchange): void {
    if (exchange.status !== 200) {
      this.errors += 1;
      return;
    }
    if (this.load.chunks > 0) {
      if (!isWholeStream(exchange.body, this.load.chunks)) this.broken += 1;
      this.firstBytes.push(exchange.firstByteMs);
      this.gaps.push(exchange.largestGapMs);
    }
    this.latencies.push(exchange.totalMs);
  }
}

async function runConnection(load: Load, run: Run, request: Buffer, until: number): Promise<void> {
  const connection = new HttpConnection({ host: load.host, port: load.port });
  while (performance.now() < until) {
    try {
      run.record(await connection.send(request));
    } catch {
      // Counted: the report prints errors of every load, and the bench fails on any.
      run.errors += 1;
    }
  }
  connection.close();
}

async function runLoad(load: Load): Promise<LoadResult> {
  const run = new Run(load);
  const request = requestOf(load);
  const startedAt = performance.now();
  const connections = Array.from({ length: load.connections }, () =>
    runConnection(load, run, request, startedAt + load.durationMs),
  );
  await Promise.all(connections);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { latencies, firstBytes, gaps, errors, broken } = run;
  return { latencies, firstBytes, gaps, errors, broken, seconds };
}

process.on('message', (load: Load) => {
  runLoad(load).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
