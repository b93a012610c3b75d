import { appendFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';

// Stands in for a service: it is healthy, streams 20 chunks to whoever asks for /stream, drains as services do, and writes down when.

const CHUNKS = 20;
const CHUNK_MS = 100;
const { WEIR_SERVICE_ID = '', WEIR_HEALTH_PORT, WEIR_HTTP_PORT, WEIR_STUB_RECORD } = process.env;

function open(port: string | undefined): Server | undefined {
  if (port === undefined) return undefined;
  const server = createServer((request, response) => {
    response.shouldKeepAlive = false;
    if (request.url !== '/stream') return void response.end('ok');
    return stream(response);
  });
  return server.listen(Number(port), '127.0.0.1');
}

function stream(response: ServerResponse): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`chunk ${sent++}\n`);
    if (sent < CHUNKS) return;
    clearInterval(timer);
    response.end();
  }, CHUNK_MS);
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
