import type { EventDefinition } from '../event.js';
import { AttemptFinishedV1 } from './attempt-finished.js';
import { AttemptStartedV1 } from './attempt-started.js';
import { CallDeniedV1 } from './call-denied.js';
import { CallFinishedV1 } from './call-finished.js';
import { CallStartedV1 } from './call-started.js';
import { EventReplayedV1 } from './event-replayed.js';
import { LogKeyRotatedV1 } from './log-key-rotated.js';
import { ProducerAliveV1 } from './producer-alive.js';

/** Every event of every version that was ever published; golden payloads of each stay in `golden/`. */
export const EVENTS: readonly EventDefinition[] = [
  CallStartedV1,
  CallFinishedV1,
  CallDeniedV1,
  AttemptStartedV1,
  AttemptFinishedV1,
  ProducerAliveV1,
  EventReplayedV1,
  LogKeyRotatedV1,
];

export function findEventDefinition(type: string, version: number): EventDefinition | undefined {
  return EVENTS.find((event) => event.type === type && event.version === version);
}
