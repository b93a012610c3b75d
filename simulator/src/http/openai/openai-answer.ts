import type { AnswerPiece } from '../../domain/answer-pieces.js';
import { collectText, type FinishReason } from '../../domain/answer.js';
import { splitAtText, textPlaceholder, type AnswerDialect, type FinishStep } from '../answer-dialect.js';
import { dataEvent, eventStreamHeaders } from '../server-sent-events.js';
import type { AnswerContext } from '../wire-format.js';
import { chatErrorBody } from './openai-errors.js';
import { rateLimitHeaders } from './openai-errors.js';
import { wantsStreamUsage } from './openai-request.js';

const lateUsageMs = 250;

const finishReasons: Record<FinishReason, string> = {
  stop: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
};

/** @see https://platform.openai.com/docs/api-reference/chat/object and …/chat-streaming */
export function chatDialect(context: AnswerContext): AnswerDialect {
  const headers = answerHeaders(context);
  const chunk = chunkRenderer(context);
  return {
    streamHeaders: { ...eventStreamHeaders, ...headers },
    begin: () => chunk({ role: 'assistant', content: '', refusal: null }),
    piece: (piece) => {
      const delta = deltaOf(piece, context);
      return delta === undefined ? '' : chunk(delta);
    },
    finish: () => finishSteps(context, chunk),
    malformed: () =>
      'data: {"id":"chatcmpl-broken","object":"chat.completion.chunk","choices":[{"index":0,"delta":\n\n',
    streamError: (fault) => dataEvent(chatErrorBody(fault)),
    whole: () => ({
      headers: { 'content-type': 'application/json', ...headers },
      ...splitAtText(JSON.stringify(completion(context))),
    }),
  };
}

function answerHeaders({ call, request }: AnswerContext): Record<string, string> {
  return {
    'x-request-id': call.requestId,
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
    'openai-model': request.model.name,
    ...rateLimitHeaders(),
  };
}

type ChunkRenderer = (delta: Record<string, unknown>, finish?: string, usage?: unknown) => string;

function chunkRenderer(context: AnswerContext): ChunkRenderer {
  const head = headOf(context, 'chat.completion.chunk');
  const usageField = wantsStreamUsage(context.body) ? { usage: null } : {};
  return (delta, finish, usage) =>
    dataEvent({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish ?? null }],
      ...usageField,
      ...(usage === undefined ? {} : { usage }),
    });
}

function headOf({ answer, request }: AnswerContext, object: string): Record<string, unknown> {
  return {
    id: `chatcmpl-${answer.seed.slice(0, 29)}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: request.model.name,
    service_tier: 'default',
    system_fingerprint: 'fp_weirsimulator',
  };
}

function deltaOf(piece: AnswerPiece, { request }: AnswerContext): Record<string, unknown> | undefined {
  switch (piece.kind) {
    case 'reasoning':
      return request.model.showsReasoning ? { reasoning_content: piece.text } : undefined;
    case 'signature':
      return undefined;
    case 'text':
      return { content: piece.text };
    case 'tool-start':
      return {
        tool_calls: [
          {
            index: piece.index,
            id: `call_${piece.id}`,
            type: 'function',
            function: { name: piece.name, arguments: '' },
          },
        ],
      };
    case 'tool-arguments':
      return { tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] };
  }
}

/** Usage comes in a chunk of its own after the finish; `twice` has it in both, `late` after a silence. */
function finishSteps(context: AnswerContext, chunk: ChunkRenderer): FinishStep[] {
  const usage = wantsStreamUsage(context.body) && context.usage !== 'none' ? usageOf(context) : undefined;
  const finish = chunk({}, finishReasons[context.answer.finish], context.usage === 'twice' ? usage : undefined);
  const done = 'data: [DONE]\n\n';
  if (usage === undefined) return [finish, done];
  const last = dataEvent({ ...headOf(context, 'chat.completion.chunk'), choices: [], usage });
  return context.usage === 'late' ? [finish, { waitMs: lateUsageMs }, last, done] : [finish, last, done];
}

function completion(context: AnswerContext): Record<string, unknown> {
  const { answer, request } = context;
  const shown = request.model.showsReasoning && answer.reasoning !== undefined;
  const message = {
    role: 'assistant',
    content: answer.text === undefined ? (answer.toolCalls.length > 0 ? null : '') : textPlaceholder,
    refusal: null,
    annotations: [],
    ...(shown ? { reasoning_content: collectText(answer.reasoning) } : {}),
    ...(answer.toolCalls.length === 0
      ? {}
      : {
          tool_calls: answer.toolCalls.map((call) => ({
            id: `call_${call.id}`,
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
  };
  return {
    ...headOf(context, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasons[answer.finish] }],
    ...(context.usage === 'none' ? {} : { usage: usageOf(context) }),
  };
}

function usageOf({ input, answer, request }: AnswerContext): Record<string, unknown> {
  const prompt = input.inputUncached + input.inputCacheRead;
  const completionTokens = answer.tokens.output + answer.tokens.reasoning;
  const hitAndMiss =
    request.model.owner === 'deepseek'
      ? { prompt_cache_hit_tokens: input.inputCacheRead, prompt_cache_miss_tokens: input.inputUncached }
      : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: completionTokens,
    total_tokens: prompt + completionTokens,
    prompt_tokens_details: { cached_tokens: input.inputCacheRead, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: answer.tokens.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    ...hitAndMiss,
  };
}
