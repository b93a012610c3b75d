import { z } from 'zod';
import { defineEvent } from '../event.js';
import { SINKS } from '../subjects.js';

/**
 * Somebody has landed a dead letter again, after what kept it from landing was cured. The named sink makes the rows of the event inside, as
 * of the event it was; the event inside keeps its own place and sequence, which the dead letter had closed.
 */
export const EventReplayedV1 = defineEvent({
  type: 'event.replayed',
  version: 1,
  owner: ['cli'],
  data: z.object({
    sink: z.enum(SINKS),
    /** Where the dead letter stood. */
    stream: z.string(),
    streamCreated: z.int(),
    streamSequence: z.int(),
    line: z.int(),
    reason: z.string(),
    /** The one table that refused it; null where none of its rows but the event's own have landed. */
    table: z.string().nullable(),
    /** The exact text of the event. */
    leaf: z.string(),
  }),
});
