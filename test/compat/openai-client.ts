import OpenAI, { type ClientOptions } from 'openai';
import type { ChatCompletion, ChatCompletionMessage } from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import type { CompatStack } from './compat-stack.js';
import type { AnswerUsage } from './settlement.js';

/** Gives the running stack; it exists only once the tests run. */
export type UseStack = () => CompatStack;

export function openaiClient({ connection }: CompatStack, options: ClientOptions = {}): OpenAI {
  return new OpenAI({
    apiKey: connection.gateway.key,
    baseURL: `${connection.gateway.url}/v1`,
    maxRetries: 0,
    timeout: 30_000,
    ...options,
  });
}

/** What Weir and open models add to a message; the SDK passes it through without knowing it. */
export interface ReasoningFields {
  readonly reasoning_content?: string;
  readonly reasoning_details?: readonly {
    readonly type: string;
    readonly text?: string;
    readonly signature?: string;
  }[];
}

export function reasoningOf(message: ChatCompletionMessage): ReasoningFields {
  return message as ChatCompletionMessage & ReasoningFields;
}

export function messageOf(answer: ChatCompletion): ChatCompletionMessage {
  const message = answer.choices[0]?.message;
  if (message === undefined) throw new Error('an answer without a choice');
  return message;
}

export function usageOf(usage: CompletionUsage | null | undefined): AnswerUsage {
  if (usage == null) throw new Error('an answer without usage');
  const details = usage.prompt_tokens_details as { cached_tokens?: number; cache_write_tokens?: number } | undefined;
  const inputCacheRead = details?.cached_tokens ?? 0;
  const inputCacheWrite = details?.cache_write_tokens ?? 0;
  return {
    inputUncached: usage.prompt_tokens - inputCacheRead - inputCacheWrite,
    inputCacheRead,
    inputCacheWrite,
    output: usage.completion_tokens,
  };
}

/** Asks once, keeps what the answer says it used, and returns it with its headers. */
export async function ask(
  stack: CompatStack,
  request: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,
  options: OpenAI.RequestOptions = {},
): Promise<{ answer: ChatCompletion; headers: Headers; callId: string }> {
  const { data, response, request_id } = await openaiClient(stack)
    .chat.completions.create(request, options)
    .withResponse();
  stack.settlement.note(request_id, usageOf(data.usage));
  return { answer: data, headers: response.headers, callId: request_id ?? '' };
}

/** Asks as a stream, puts the answer together with the SDK's own accumulator, and keeps what it says it used. */
export async function askStreamed(
  stack: CompatStack,
  request: Omit<OpenAI.Chat.ChatCompletionCreateParamsStreaming, 'stream'>,
): Promise<{ answer: ChatCompletion; chunks: OpenAI.Chat.ChatCompletionChunk[]; headers: Headers; callId: string }> {
  const options = { ...request, stream_options: { include_usage: true } };
  let seen: Response | undefined;
  const client = openaiClient(stack, {
    fetch: async (url, init) => {
      seen = await fetch(url, init);
      return seen;
    },
  });
  const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
  const stream = client.chat.completions.stream(options).on('chunk', (chunk) => chunks.push(chunk));
  const answer = await stream.finalChatCompletion();
  const headers = seen?.headers ?? new Headers();
  const callId = headers.get('x-request-id') ?? '';
  stack.settlement.note(callId, usageOf(answer.usage));
  return { answer, chunks, headers, callId };
}
