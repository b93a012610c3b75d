import type { Server, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { Resources } from '../bus/resources.js';
import { OpenCalls } from './open-calls.js';

/** After its time is over a call has this long to send its client an error and hear what it has cost. */
const CUT_SHORT_WITHIN_MS = 1_500;
/** Once every call has ended, what has been written has this long to leave. */
const FLUSHED_WITHIN_MS = 1_000;

/**
 * Closes the listener and the connections on which nothing runs. Connections with a request under way end with its answer; a client that
 * sends another one before is answered, with `connection: close`.
 *
 * @returns when the last connection has ended
 */
function stopAccepting(server: Server): Promise<void> {
  server.prependListener('request', (_request: unknown, response: ServerResponse) => {
    response.shouldKeepAlive = false;
  });
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  return closed;
}

/** Closes what Node does not count as idle: connections that clients opened in reserve and never sent a request on. */
async function closeConnections(server: Server, closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([closed, new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSHED_WITHIN_MS)))]);
  clearTimeout(timer);
  server.closeAllConnections();
}

/** Lets nothing new in and what runs come to its end, within the protocol's drain time. */
export async function drain(app: INestApplication): Promise<void> {
  const openCalls = app.get(OpenCalls);
  const { timing } = app.get(Resources);
  openCalls.startDraining();
  const server = app.getHttpServer() as Server;
  const closed = stopAccepting(server);
  await openCalls.drain(timing.drainWithinMs, CUT_SHORT_WITHIN_MS);
  await closeConnections(server, closed);
  openCalls.close();
}
