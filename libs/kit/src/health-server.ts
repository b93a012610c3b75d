import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Health } from './health.js';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

async function serve(url: string, response: ServerResponse, health: Health, metrics: Registry): Promise<void> {
  const path = url.split('?', 1)[0];
  if (path === '/health/live') return answer(response, 200, 'application/json', '{"live":true}');
  if (path === '/health/ready') {
    const report = health.report();
    return answer(response, report.ready ? 200 : 503, 'application/json', JSON.stringify(report));
  }
  if (path === '/metrics') return answer(response, 200, metrics.contentType, await metrics.metrics());
  answer(response, 404, 'text/plain', 'not found\n');
}

/** Serves `/health/live`, `/health/ready` and `/metrics` beside the service's own port. Port 0 picks a free one. */
export async function startHealthServer(
  at: { host: string; port: number },
  health: Health,
  metrics: Registry,
): Promise<HealthServer> {
  const server: Server = createServer((request, response) => {
    serve(request.url ?? '/', response, health, metrics).catch((error: unknown) => {
      answer(response, 500, 'text/plain', `${String(error)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
