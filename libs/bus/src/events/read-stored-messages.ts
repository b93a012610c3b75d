import type { BusConnection } from '../connection/bus-connection.js';
import { askJetStream, getStreamInfo, isNotFound } from '../jetstream/jetstream-api.js';

/** One message as the stream keeps it, whether a consumer has acknowledged it or not. */
export interface StoredMessage {
  readonly streamSequence: number;
  readonly payload: Buffer;
}

export interface StoredRange {
  readonly connection: BusConnection;
  readonly stream: string;
  /** Creation time of the stream the positions are of. */
  readonly created: string;
  readonly positions: readonly number[];
}

const AT_ONCE = 16;

/**
 * Reads messages by their positions, in that order. Undefined where they are gone: the stream is another one of the same name, or has
 * dropped one of them.
 *
 * @throws what JetStream answers otherwise, and where nobody answers.
 */
export async function readStoredMessages(range: StoredRange): Promise<readonly StoredMessage[] | undefined> {
  const { connection, stream, created, positions } = range;
  try {
    if ((await getStreamInfo(connection, stream)).created !== created) return undefined;
    const messages: StoredMessage[] = [];
    for (let at = 0; at < positions.length; at += AT_ONCE) {
      const some = positions.slice(at, at + AT_ONCE).map((position) => readOne(connection, stream, position));
      messages.push(...(await Promise.all(some)));
    }
    return messages;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function readOne(connection: BusConnection, stream: string, position: number): Promise<StoredMessage> {
  const { message } = await askJetStream<{ readonly message: { readonly data?: string } }>(
    connection,
    `STREAM.MSG.GET.${stream}`,
    { seq: position },
  );
  return { streamSequence: position, payload: Buffer.from(message.data ?? '', 'base64') };
}
