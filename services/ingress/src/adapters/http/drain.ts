import type { Server, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { Resources } from '../bus/resources.js';
import { OpenCalls } from './open-calls.js';

/** After its time is over a call has this long to send its client an error and hear what it has cost. */
const CUT_SHORT_WITHIN_MS = 1_500;

/**
 * Closes the listener and the connections on which nothing runs. Connections with a request under way end with its answer; a client that
 * sends another one before is answered, with `connection: close`.
 */
function stopAccepting(server: Server): void {
  server.prependListener('request', (_request: unknown, response: ServerResponse) => {
    response.shouldKeepAlive = false;
  });
  // Its callback comes when the last connection has ended, which the drain waits for by itself.
  server.close();
  server.closeIdleConnections();
}

/** Lets nothing new in and what runs come to its end, within the protocol's drain time. */
export async function drain(app: INestApplication): Promise<void> {
  const openCalls = app.get(OpenCalls);
  const { timing } = app.get(Resources);
  openCalls.startDraining();
  stopAccepting(app.getHttpServer() as Server);
  await openCalls.drain(timing.drainWithinMs, CUT_SHORT_WITHIN_MS);
  openCalls.close();
}
