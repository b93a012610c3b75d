import { z } from 'zod';
import { defineEvent } from '../event.js';

/**
 * The record's log is about to be signed with another key. It lands before the new key signs anything: up to it the old one has signed, the
 * first checkpoint after it is signed by both, and those that follow by the new one. Keys are C2SP verifier keys.
 */
export const LogKeyRotatedV1 = defineEvent({
  type: 'log.key-rotated',
  version: 1,
  owner: ['cli'],
  data: z.object({ oldKey: z.string(), newKey: z.string() }),
});
