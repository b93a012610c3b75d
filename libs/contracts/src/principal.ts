import { z } from 'zod';
import { KeyId } from './ids.js';

/** On whose behalf a call is made. Ids only: names live in the directory, so that a record names nobody. */
export const Principal = z.object({
  organisationId: z.string(),
  teamId: z.string(),
  personId: z.string().nullable(),
  keyId: KeyId,
  application: z.string().max(128),
});
export type Principal = z.infer<typeof Principal>;
