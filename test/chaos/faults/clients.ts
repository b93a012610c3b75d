import { connect, type Socket } from 'node:net';
import type { Fault, Scene } from '../fault.js';
import { lasting } from '../lasting.js';

const CLIENTS = { short: 20, full: 100 } as const;
const READS_FOR_MS = 15_000;

/** A client that asks for a long stream and reads a byte of it each second. */
function openSlowly({ stack, random }: Scene): Socket {
  const { gateway } = stack.connection;
  const { hostname, port } = new URL(gateway.url);
  const body = JSON.stringify({
    model: random.pick(['sim-openai', 'sim-anthropic']),
    stream: true,
    messages: [{ role: 'user', content: '[[sim chunks=8000]]' }],
  });
  const socket = connect({ port: Number(port), host: hostname, highWaterMark: 1 });
  const head = ['POST /v1/chat/completions HTTP/1.1', 'host: chaos', `authorization: Bearer ${gateway.key}`];
  const lengths = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`];
  socket.write(`${[...head, ...lengths].join('\r\n')}\r\n\r\n${body}`);
  socket.pause();
  // It leaves in the end, and the gateway may close first.
  socket.on('error', () => undefined);
  return socket;
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
        const isOpen = sockets.filter((socket) => !socket.destroyed).length;
        if (isOpen < sockets.length) throw new Error(`${sockets.length - isOpen} slow clients were cut off`);
      } finally {
        clearInterval(reading);
        for (const socket of sockets) socket.destroy();
      }
    },
  },
];
