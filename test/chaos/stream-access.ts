import type { BusConnection } from '@weir/bus';

export interface StreamState {
  readonly messages: number;
  readonly first_seq: number;
  readonly last_seq: number;
}

interface Failure {
  readonly error?: { readonly description: string };
}

/** Asks JetStream's JSON interface as its administrator. Throws what it answers where it refuses. */
async function ask<Reply extends object>(bus: BusConnection, operation: string, body: object): Promise<Reply> {
  const answer = await bus.request(`$JS.API.${operation}`, Buffer.from(JSON.stringify(body)), { timeoutMs: 5_000 });
  const reply = JSON.parse(answer.toString('utf8')) as Reply & Failure;
  if (reply.error) throw new Error(`${operation}: ${reply.error.description}`);
  return reply;
}

export async function getStreamState(bus: BusConnection, stream: string): Promise<StreamState> {
  return (await ask<{ readonly state: StreamState }>(bus, `STREAM.INFO.${stream}`, {})).state;
}

/** The payload of the message at a position. */
export async function readStored(bus: BusConnection, stream: string, position: number): Promise<Buffer> {
  const { message } = await ask<{ readonly message: { readonly data?: string } }>(bus, `STREAM.MSG.GET.${stream}`, {
    seq: position,
  });
  return Buffer.from(message.data ?? '', 'base64');
}

/** Messages that a consumer has still to take, or to acknowledge. */
export async function countPending(bus: BusConnection, stream: string, consumer: string): Promise<number> {
  const info = await ask<{ readonly num_pending: number; readonly num_ack_pending: number }>(
    bus,
    `CONSUMER.INFO.${stream}.${consumer}`,
    {},
  );
  return info.num_pending + info.num_ack_pending;
}
