/**
 * An upstream that costs almost nothing: HTTP/1.1 on plain sockets, OpenAI Chat Completions only, one fixed answer. A call is steered by
 * `[[chunks=N delay=MS]]` in its body. Run as a process of its own; says its port to its parent.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

const HEADER_END = Buffer.from('\r\n\r\n');
const ANSWER = JSON.stringify({
  id: 'chatcmpl-mock',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'mock',
  choices: [{ index: 0, message: { role: 'assistant', content: 'All is well.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 50, completion_tokens: 4, total_tokens: 54 },
});
const PLAIN = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(ANSWER)}\r\n\r\n${ANSWER}`,
);
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
);

function httpChunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

function event(delta: object, finish: string | null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'chatcmpl-mock', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'mock', choices })}\n\n`;
}

const USAGE = {
  id: 'chatcmpl-mock',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'mock',
  choices: [],
};
const TAIL = httpChunk(
  `${event({}, 'stop')}data: ${JSON.stringify({ ...USAGE, usage: { prompt_tokens: 50, completion_tokens: 20, total_tokens: 70 } })}\n\ndata: [DONE]\n\n`,
);
const END = Buffer.from('0\r\n\r\n');
/** Chunk n carries its number, so that a lost or reordered one shows. */
const chunks = Array.from({ length: 2_001 }, (_, n) =>
  httpChunk(event({ content: `w${n.toString().padStart(5, '0')} ` }, null)),
);

function stream(socket: Socket, count: number, delayMs: number): void {
  socket.write(STREAM_HEAD);
  let next = 0;
  const send = (): void => {
    if (socket.destroyed) return;
    if (next === count) {
      socket.write(Buffer.concat([TAIL, END]));
      return;
    }
    const hasRoom = socket.write(chunks[next++] ?? TAIL);
    if (delayMs > 0) setTimeout(send, delayMs);
    else if (hasRoom) setImmediate(send);
    else socket.once('drain', send);
  };
  send();
}

function answer(socket: Socket, body: string): void {
  if (!/"stream"\s*:\s*true/.test(body)) {
    socket.write(PLAIN);
    return;
  }
  const steer = /\[\[chunks=(\d+) delay=(\d+)\]\]/.exec(body);
  stream(socket, Math.min(2_000, Number(steer?.[1] ?? 20)), Number(steer?.[2] ?? 5));
}

function serve(socket: Socket): void {
  let waiting: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data: Buffer) => {
    waiting = waiting.length === 0 ? data : Buffer.concat([waiting, data]);
    for (;;) {
      const end = waiting.indexOf(HEADER_END);
      if (end < 0) return;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(waiting.toString('latin1', 0, end))?.[1] ?? 0);
      const total = end + HEADER_END.length + length;
      if (waiting.length < total) return;
      // The steering words stand in the first and last 4 KiB; a prompt of a megabyte is not read as text.
      const from = end + HEADER_END.length;
      const body =
        length > 8_192
          ? waiting.toString('latin1', from, from + 4_096) + waiting.toString('latin1', total - 4_096, total)
          : waiting.toString('latin1', from, total);
      answer(socket, body);
      waiting = waiting.subarray(total);
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit(0));
