import { connect } from 'node:net';
import { EVENT_PARTITIONS, partitionOf, subjects } from '@weir/contracts';
import { eventually, type Connection } from '@weir/testing';
import { expect } from 'expect';

/** Publishes lines to a producer's stream past every check of ours, as a producer of another kind would. */
export async function publishLines({ nats }: Connection, producerId: string, lines: readonly string[]): Promise<void> {
  const subject = subjects.events(partitionOf(producerId, EVENT_PARTITIONS));
  const payload = lines.map((line) => `${line}\n`).join('');
  const { hostname, port, username, password } = new URL(nats.url);
  const socket = connect(Number(port), hostname);
  const hello = JSON.stringify({ verbose: false, pedantic: false, user: username, pass: password });
  let answers = '';
  socket.on('data', (data) => (answers += data.toString()));
  socket.write(`CONNECT ${hello}\r\nPUB ${subject} ${Buffer.byteLength(payload)}\r\n${payload}\r\nPING\r\n`);
  await eventually(() => expect(answers).toContain('PONG'), { timeoutMs: 20_000 });
  socket.destroy();
}
