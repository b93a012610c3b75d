import { eventStreamName, subjects } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import { askJetStream, nanoseconds } from '../jetstream/jetstream-api.js';

export interface EventStreamOptions {
  /** Default 1. */
  readonly replicas?: number;
  /** Default 1 GiB a stream; a full stream refuses, and the producers' journals hold what it refuses. */
  readonly bytesMax?: number;
  /** Default 7 days. */
  readonly ageMaxMs?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long JetStream knows an id it has seen. Repeats that come later are dropped by the sinks, which go by sequence. */
const DUPLICATE_WINDOW_MS = 120_000;

/**
 * Creates the event streams that are missing, and brings the limits of the others up to date. Called by the sinks, at start and
 * whenever they find one gone. Idempotent. Throws what JetStream answers.
 */
export async function ensureEventStreams(
  connection: BusConnection,
  partitions: number,
  options: EventStreamOptions = {},
): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const name = eventStreamName(partition);
    const config = streamConfig(name, subjects.events(partition), options);
    try {
      await askJetStream(connection, `STREAM.UPDATE.${name}`, config);
    } catch {
      // Not there yet; or not to be changed to this, which the creation then says.
      await askJetStream(connection, `STREAM.CREATE.${name}`, config);
    }
  }
}

function streamConfig(name: string, subject: string, options: EventStreamOptions): object {
  return {
    name,
    subjects: [subject],
    retention: 'limits',
    storage: 'file',
    // Refuse rather than forget: the producers keep what is refused.
    discard: 'new',
    max_bytes: options.bytesMax ?? 1024 ** 3,
    max_age: nanoseconds(options.ageMaxMs ?? 7 * DAY_MS),
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    max_consumers: -1,
    num_replicas: options.replicas ?? 1,
    duplicate_window: nanoseconds(DUPLICATE_WINDOW_MS),
    deny_delete: true,
    deny_purge: true,
  };
}
