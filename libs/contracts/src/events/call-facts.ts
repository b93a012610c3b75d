import { z } from 'zod';
import { ClientDialect } from '../dialect.js';
import { CallId } from '../ids.js';
import { Principal } from '../principal.js';

/** What is known of a call when it is admitted; repeated in `call.finished`, so that its row needs no join. */
export const CallFacts = z.object({
  callId: CallId,
  principal: Principal,
  region: z.string(),
  dialect: ClientDialect,
  modelRequested: z.string(),
  /** The catalog's model; null where none was found. */
  model: z.string().nullable(),
  stream: z.boolean(),
  startedAt: z.number(),
  requestBytes: z.int().min(0),
  /** SHA-256 over salt and body, base64url; the salt is the event's annex. */
  requestDigest: z.string().nullable(),
});
export type CallFacts = z.infer<typeof CallFacts>;
