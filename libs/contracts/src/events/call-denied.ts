import { z } from 'zod';
import { ClientDialect } from '../dialect.js';
import { CallId, KeyId } from '../ids.js';
import { defineEvent } from '../event.js';

/** A request was refused before admission: nothing left the ingress. Identity is null where no key was recognised. */
export const CallDeniedV1 = defineEvent({
  type: 'call.denied',
  version: 1,
  owner: ['ingress'],
  data: z.object({
    callId: CallId,
    at: z.number(),
    region: z.string(),
    dialect: ClientDialect,
    organisationId: z.string().nullable(),
    teamId: z.string().nullable(),
    personId: z.string().nullable(),
    keyId: KeyId.nullable(),
    application: z.string().max(128),
    modelRequested: z.string().nullable(),
    status: z.int(),
    errorCode: z.string(),
    requestBytes: z.int().min(0),
    latencyMs: z.number(),
  }),
});
