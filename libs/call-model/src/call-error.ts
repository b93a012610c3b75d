import { z } from 'zod';

/**
 * What kind of failure a provider reported. Decides fallback and how the error looks in each dialect;
 * taken from status and type fields, never from the message's words.
 */
export const CallErrorType = z.enum([
  'invalid_request',
  'authentication',
  'permission',
  'billing',
  'not_found',
  'too_large',
  'context_length',
  'rate_limit',
  'overloaded',
  'timeout',
  'content_policy',
  'api',
  /** The bytes were not what the wire format allows. */
  'malformed',
  /** The stream stopped without its terminal event. */
  'incomplete',
]);
export type CallErrorType = z.infer<typeof CallErrorType>;

export const CallError = z.object({
  type: CallErrorType,
  message: z.string(),
  /** HTTP status, or the one the in-stream error stands for. */
  status: z.int(),
  /** The provider's own code or type, for the record. */
  code: z.string().optional(),
  retryAfterSeconds: z.number().nonnegative().optional(),
});
export type CallError = z.infer<typeof CallError>;
