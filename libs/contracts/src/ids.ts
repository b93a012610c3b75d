import { z } from 'zod';

/** UUIDv7 of one client call, minted by ingress. */
export const CallId = z.uuid().brand<'CallId'>();
export type CallId = z.infer<typeof CallId>;

/** UUIDv7 of one upstream attempt, minted by providers; sent upstream as `x-client-request-id`. */
export const AttemptId = z.uuid().brand<'AttemptId'>();
export type AttemptId = z.infer<typeof AttemptId>;

/** Public part of a Weir key, the `<id>` of `sk-weir-<id>-<secret><checksum>`. */
export const KeyId = z.string().min(1).max(64).brand<'KeyId'>();
export type KeyId = z.infer<typeof KeyId>;

/** UUID of a journal folder, the identity of one producer of events. */
export const ProducerId = z.uuid().brand<'ProducerId'>();
export type ProducerId = z.infer<typeof ProducerId>;

/** A name that may be a token of a NATS subject: lower-case letters, digits and dashes. */
export const SubjectToken = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes only');
