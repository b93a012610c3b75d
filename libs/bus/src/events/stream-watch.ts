import type { BusConnection } from '../connection/bus-connection.js';
import { getStreamInfo } from '../jetstream/jetstream-api.js';

export interface StreamFacts {
  /** ISO 8601. */
  readonly created: string;
  readonly lastSequence: number;
}

/** Facts of a stream, or undefined where it does not exist or nobody answers. */
export async function findStream(
  connection: BusConnection,
  stream: string,
  timeoutMs: number,
): Promise<StreamFacts | undefined> {
  try {
    const { created, state } = await getStreamInfo(connection, stream, timeoutMs);
    return { created, lastSequence: state.last_seq };
  } catch {
    // JetStream or the broker is down, or the sinks have not made the stream yet: asked again on the next round.
    return undefined;
  }
}

/**
 * Whether a stream is still the one its producer wrote to: the same creation time, and not shorter than what was acknowledged (a
 * broker that restarts after a crash of its machine may come back without its last messages). No I/O.
 */
export class StreamIdentity {
  private known: StreamFacts | undefined;

  /** @returns true where something that was acknowledged is gone. The first look cannot tell by the creation time. */
  observe(facts: StreamFacts, acknowledgedPosition: number): boolean {
    const { known } = this;
    this.known = facts;
    const shortest = Math.max(known?.lastSequence ?? 0, acknowledgedPosition);
    return (known !== undefined && known.created !== facts.created) || facts.lastSequence < shortest;
  }
}
