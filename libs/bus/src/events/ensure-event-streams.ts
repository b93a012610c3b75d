import type { BusConnection } from '../connection/bus-connection.js';

export interface EventStreamOptions {
  readonly replicas?: number;
  /** Default 4 GiB a stream; a full stream refuses, and the producers' journals hold what it refuses. */
  readonly bytesMax?: number;
  /** Default 7 days. */
  readonly ageMaxMs?: number;
}

/** Creates the event streams that are missing. Called by the sinks, at start and whenever they find one gone. Idempotent. */
export function ensureEventStreams(
  connection: BusConnection,
  partitions: number,
  options?: EventStreamOptions,
): Promise<void> {
  throw new Error(`not built yet ${connection.status} ${partitions} ${options?.replicas}`);
}
