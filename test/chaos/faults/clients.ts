import { connect, type Socket } from 'node:net';
import type { Fault, Scene } from '../fault.js';
import { LONG_MODEL } from '../configuration.js';
import { lasting } from '../lasting.js';

const CLIENTS = { short: 20, full: 100 } as const;
const READS_FOR_MS = 15_000;

/** A client that asks for a long stream and reads a byte of it each second. */
function openSlowly({ stack }: Scene): Socket {
  const { gateway } = stack.connection;
  const { hostname, port } = new URL(gateway.url);
  const body = JSON.stringify({
    model: LONG_MODEL,
    stream: true,
    messages: [{ role: 'user', content: '[[sim chunks=60000]]' }],
  });
  const socket = connect({ port: Number(port), host: hostname });
  const head = ['POST /v1/chat/completions HTTP/1.1', 'host: chaos', `authorization: Bearer ${gateway.key}`];
  const lengths = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`];
  socket.write(`${[...head, ...lengths].join('\r\n')}\r\n\r\n${body}`);
  socket.pause();
  // It leaves in the end, and the gateway may close first.
  socket.on('error', () => undefined);
  return socket;
}

/** Calls that ingress has under way, by its own account. */
async function readOpenCalls({ stack }: Scene): Promise<number> {
  const [ingress] = stack.readConnection().services['ingress'] ?? [];
  if (!ingress) throw new Error('ingress does not run');
  const metrics = await (await fetch(ingress.metricsUrl)).text();
  return Number(/^weir_ingress_open_calls(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1]);
}

function readOneByte(socket: Socket): void {
  socket.read(1);
}

export const clientFaults: readonly Fault[] = [
  {
    name: 'slow-clients',
    does: 'clients that read one byte a second of a long stream, and leave in the end',
    isShort: false,
    run: async (scene) => {
      const sockets = Array.from({ length: CLIENTS[scene.isFull ? 'full' : 'short'] }, () => openSlowly(scene));
      const reading = setInterval(() => sockets.forEach(readOneByte), 1_000);
      try {
        await lasting(READS_FOR_MS);
        const held = await readOpenCalls(scene);
        if (held < sockets.length) throw new Error(`only ${held} of ${sockets.length} slow streams are still open`);
      } finally {
        clearInterval(reading);
        for (const socket of sockets) socket.destroy();
      }
    },
  },
];
