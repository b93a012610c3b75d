/**
 * `npm run bench`: what Weir adds with everything on, beside the same load sent straight to the mock and through a bare proxy, in one run,
 * rounds alternating. Prints a table; `--json FILE` writes it. `--against portkey,litellm` measures these in the same run. Ends with 1 where a
 * target is missed, an answer was wrong, or a row did not land. `--record` measures the record instead: landing and verification.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { median, percentile, type Load, type LoadResult } from './load.js';
import { readUsage, subtractUsage } from './process-usage.js';
import { parsePeers, startPeers } from './peers/start-peers.js';
import { measureRecord, printFigures } from './record/record-bench.js';
import { judge, printReport, type Measurement } from './report.js';
import { freePort, startWeir, type WeirUnderLoad } from './weir-under-load.js';

const LAND_WITHIN_MS = 60_000;
/** Optimising compilers are at work for the first ten thousand calls; what they cost is a start's, not a call's. */
const FIRST_WARM_UP_MS = 15_000;
const WARM_UP_MS = 2_000;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pids: readonly number[];
}

interface LoadShape {
  readonly name: string;
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly chunks: number;
}

const LOADS: readonly LoadShape[] = [
  { name: 'plain, 1 connection', connections: 1, seconds: 4, rounds: 3, chunks: 0 },
  { name: 'plain, 32 connections', connections: 32, seconds: 5, rounds: 3, chunks: 0 },
  { name: 'plain, 128 connections', connections: 128, seconds: 5, rounds: 3, chunks: 0 },
  { name: '200 streams of 20 chunks, 5 ms apart', connections: 200, seconds: 5, rounds: 3, chunks: 20 },
  { name: '200 streams of 200 chunks, 5 ms apart', connections: 200, seconds: 3, rounds: 1, chunks: 200 },
];

function forkScript(name: string, ...args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), args);
}

async function portOf(child: ChildProcess): Promise<number> {
  const [message] = (await once(child, 'message')) as [{ port: number }];
  return message.port;
}

function bodyOf(shape: LoadShape): string {
  const steer = shape.chunks > 0 ? ` [[chunks=${shape.chunks} delay=5]]` : '';
  const content = `Summarise the state of the weir in one sentence, please, and say whether the water runs high today or low.${steer}`;
  return JSON.stringify({
    model: 'mock',
    messages: [{ role: 'user', content }],
    ...(shape.chunks > 0 ? { stream: true } : {}),
  });
}

class Bench {
  readonly measurements: Measurement[] = [];
  answers = 0;

  constructor(
    private readonly generator: ChildProcess,
    private readonly targets: ReadonlyMap<string, Target>,
  ) {}

  async warmUp(): Promise<void> {
    const [, shape] = LOADS;
    for (const [name, target] of this.targets) {
      if (shape) await this.run(name, target, shape, name === 'weir' ? FIRST_WARM_UP_MS : WARM_UP_MS);
    }
  }

  async measure(shape: LoadShape): Promise<void> {
    for (const [name, target] of this.targets) {
      await this.run(name, target, shape, shape.rounds === 1 ? WARM_UP_MS / 2 : WARM_UP_MS);
    }
    for (let round = 0; round < shape.rounds; round++) {
      for (const [name, target] of this.targets) this.measurements.push(await this.measureRound(name, target, shape));
    }
  }

  private async measureRound(name: string, target: Target, shape: LoadShape): Promise<Measurement> {
    const { pids } = target;
    const before = readUsage(pids);
    const result = await this.run(name, target, shape, shape.seconds * 1_000);
    const after = readUsage(pids);
    const count = result.latencies.length;
    const cpu = new Map([...subtractUsage(after, before)].map(([role, micros]) => [role, micros / count]));
    return {
      target: name,
      load: shape.name,
      perSecond: count / result.seconds,
      p50: median(result.latencies),
      p99: percentile(result.latencies, 0.99),
      cpuMicros: [...cpu.values()].reduce((sum, micros) => sum + micros, 0),
      cpuByRole: Object.fromEntries(cpu),
      residentBytes: after.residentBytes,
      firstByteP50: median(result.firstBytes),
      chunksPerSecond: (count * shape.chunks) / result.seconds,
      largestGapP99: percentile(result.gaps, 0.99),
      errors: result.errors,
      broken: result.broken,
    };
  }

  private async run(name: string, target: Target, shape: LoadShape, durationMs: number): Promise<LoadResult> {
    const { host, port, key, headers = {} } = target;
    const load: Load = {
      name: shape.name,
      host,
      port,
      key,
      headers,
      path: '/v1/chat/completions',
      body: bodyOf(shape),
      connections: shape.connections,
      durationMs,
      chunks: shape.chunks,
    };
    this.generator.send(load);
    const [result] = (await once(this.generator, 'message')) as [LoadResult];
    if (name === 'weir') this.answers += result.latencies.length + result.errors;
    return result;
  }
}

/** Rows of the record once they no longer grow, or after the time in which they must have landed. */
async function countLanded(weir: WeirUnderLoad, answers: number): Promise<number> {
  const deadline = Date.now() + LAND_WITHIN_MS;
  for (;;) {
    const landed = Number(
      await weir.query("SELECT count() FROM calls WHERE model_requested = 'mock' AND finished_at IS NOT NULL"),
    );
    if (landed >= answers || Date.now() > deadline) return landed;
    await pause(250);
  }
}

/** The word after an option of the command line. */
function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : undefined;
}

/** Calls whose events are generated for the record's figures. */
const RECORD_CALLS = 100_000;

async function benchRecord(): Promise<void> {
  const figures = await measureRecord(Number(option('--calls') ?? RECORD_CALLS));
  printFigures(figures);
  const json = option('--json');
  if (json !== undefined) writeFileSync(json, JSON.stringify(figures, null, 2));
  process.exitCode = figures.every(({ isMet }) => isMet) ? 0 : 1;
}

async function main(): Promise<void> {
  const started = performance.now();
  const mock = forkScript('mock-upstream');
  const mockPort = await portOf(mock);
  const control = forkScript('control-proxy', `http://127.0.0.1:${mockPort}`);
  const controlPort = await portOf(control);
  const generator = forkScript('generator');
  const upstream = `http://127.0.0.1:${mockPort}`;
  const peers = await startPeers(parsePeers(option('--against')), upstream, freePort);
  const weir = await startWeir(upstream);
  try {
    const bench = new Bench(
      generator,
      new Map<string, Target>([
        ['direct', { host: '127.0.0.1', port: mockPort, key: 'none', pids: [mock.pid ?? 0] }],
        ['control', { host: '127.0.0.1', port: controlPort, key: 'none', pids: [control.pid ?? 0] }],
        ...[...peers.running].map(([name, peer]): [string, Target] => [name, { ...peer, pids: [peer.pid] }]),
        ['weir', { ...weir.gateway, pids: [weir.pid] }],
      ]),
    );
    await bench.warmUp();
    for (const shape of LOADS) await bench.measure(shape);
    const landed = await countLanded(weir, bench.answers);
    const report = {
      measurements: bench.measurements,
      answers: bench.answers,
      landed,
      seconds: (performance.now() - started) / 1_000,
      peers: Object.fromEntries([...peers.running].map(([name, { features }]) => [name, features])),
      unavailable: Object.fromEntries(peers.unavailable),
    };
    printReport(report);
    const json = option('--json');
    if (json !== undefined) writeFileSync(json, JSON.stringify(report, null, 2));
    const missed = judge(report);
    for (const line of missed) process.stdout.write(`MISSED  ${line}\n`);
    process.exitCode = missed.length > 0 ? 1 : 0;
  } finally {
    await weir.stop();
    await peers.stop();
    for (const child of [generator, control, mock]) child.disconnect();
  }
}

await (process.argv.includes('--record') ? benchRecord() : main());
