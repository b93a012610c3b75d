import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk';
import type { CompatStack } from './compat-stack.js';
import type { AnswerUsage } from './settlement.js';
import type { SimulatedModel } from './simulated-models.js';

/** Gives the running stack; it exists only once the tests run. */
export type UseStack = () => CompatStack;

/** The SDK as shipped speaks the newer version and sends its key as a bearer token; what went before, `x-api-key`. */
export const API_VERSIONS = ['2023-06-01', '2026-10-21'] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];

/** One column of the matrix: a model, asked by one version of the API. */
export interface Case {
  readonly model: SimulatedModel;
  readonly version: ApiVersion;
  readonly stack: UseStack;
}

export function anthropicClient(
  { connection }: CompatStack,
  version: ApiVersion,
  options: ClientOptions = {},
): Anthropic {
  const { url, key } = connection.gateway;
  const older = { 'anthropic-version': '2023-06-01', 'x-api-key': key, authorization: null };
  return new Anthropic({
    apiKey: key,
    baseURL: url,
    maxRetries: 0,
    timeout: 30_000,
    ...(version === '2023-06-01' ? { defaultHeaders: older } : {}),
    ...options,
  });
}

export function textOf(answer: Anthropic.Message): string {
  return answer.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
}

export function usageOf(usage: Anthropic.Usage): AnswerUsage {
  return {
    inputUncached: usage.input_tokens,
    inputCacheRead: usage.cache_read_input_tokens ?? 0,
    inputCacheWrite: usage.cache_creation_input_tokens ?? 0,
    output: usage.output_tokens,
  };
}

type Request = Omit<Anthropic.MessageCreateParamsNonStreaming, 'model' | 'max_tokens'> & {
  readonly max_tokens?: number;
};

interface Answered {
  readonly answer: Anthropic.Message;
  readonly headers: Headers;
  readonly callId: string;
}

/** Asks once, keeps what the answer says it used, and returns it with its headers. */
export async function ask({ model, version, stack }: Case, request: Request): Promise<Answered> {
  const { data, response, request_id } = await anthropicClient(stack(), version)
    .messages.create({ model: model.name, max_tokens: 4_000, ...request })
    .withResponse();
  stack().settlement.note(request_id, usageOf(data.usage));
  return { answer: data, headers: response.headers, callId: request_id ?? '' };
}

/** Asks as a stream, puts the answer together with the SDK's own accumulator, and keeps what it says it used. */
export async function askStreamed(
  { model, version, stack }: Case,
  request: Request,
): Promise<Answered & { readonly events: Anthropic.MessageStreamEvent[] }> {
  const events: Anthropic.MessageStreamEvent[] = [];
  const stream = anthropicClient(stack(), version)
    .messages.stream({ model: model.name, max_tokens: 4_000, ...request })
    .on('streamEvent', (event) => events.push(event));
  const { response, request_id } = await stream.withResponse();
  const answer = await stream.finalMessage();
  stack().settlement.note(request_id, usageOf(answer.usage));
  return { answer, events, headers: response.headers, callId: request_id ?? '' };
}
