import { z } from 'zod';
import { defineEvent } from '../event.js';

/** Every 5 s from each producer, and first in a new epoch: so that a missing event shows, also at the tail. */
export const ProducerAliveV1 = defineEvent({
  type: 'producer.alive',
  version: 1,
  owner: ['ingress', 'providers'],
  data: z.object({
    service: z.string(),
    instance: z.string(),
    /** Highest sequence assigned before this event. */
    lastSequence: z.int().min(0),
    open: z.int().min(0),
    /** Where the epoch before this one ended; null in the first. Only in the first event of an epoch. */
    previous: z.object({ epoch: z.int(), lastSequence: z.int() }).nullable(),
  }),
});
