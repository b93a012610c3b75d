import { appendFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

// Stands in for a service: it is healthy, streams 20 chunks to whoever asks for /stream, drains as services do, and writes down when.

const CHUNKS = 20;
const CHUNK_MS = 100;
const { WEIR_SERVICE_ID = '', WEIR_HEALTH_PORT, WEIR_HTTP_PORT, WEIR_STUB_RECORD } = process.env;

function open(port: string | undefined): Server | undefined {
  if (port === undefined) return undefined;
  const server = createServer((request, response) => {
    response.shouldKeepAlive = false;
    if (request.url !== '/stream') return response.end('ok');
    void stream(response);
    return undefined;
  });
  return server.listen(Number(port), '127.0.0.1');
}

async function stream(response: { write(chunk: string): unknown; end(): unknown }): Promise<void> {
  for (let i = 0; i < CHUNKS; i++) {
    response.write(`chunk ${i}\n`);
    await delay(CHUNK_MS);
  }
  response.end();
}

const servers = [open(WEIR_HEALTH_PORT), open(WEIR_HTTP_PORT)].filter((server) => server !== undefined);

let isDraining = false;
async function drain(): Promise<void> {
  if (isDraining) return;
  isDraining = true;
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  if (WEIR_STUB_RECORD !== undefined) appendFileSync(WEIR_STUB_RECORD, `${WEIR_SERVICE_ID}\n`);
  process.exit(0);
}
process.on('SIGTERM', () => void drain());
process.once('disconnect', () => void drain());
