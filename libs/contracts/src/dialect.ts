import { z } from 'zod';

/** A wire protocol spoken with clients. */
export const ClientDialect = z.enum(['openai-chat', 'anthropic']);
export type ClientDialect = z.infer<typeof ClientDialect>;

/** How an upstream is spoken to: which adapter of `providers` makes the attempt. */
export const Adapter = z.enum(['openai-compatible', 'anthropic', 'bedrock']);
export type Adapter = z.infer<typeof Adapter>;
