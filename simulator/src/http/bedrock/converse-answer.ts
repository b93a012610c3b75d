import type { AnswerPiece } from '../../domain/answer-pieces.js';
import { collectText, signReasoning, type FinishReason } from '../../domain/answer.js';
import { isPause, splitAtText, textPlaceholder, type AnswerDialect, type Pause } from '../answer-dialect.js';
import type { AnswerContext } from '../wire-format.js';
import { bedrockFaultMessage } from './bedrock-errors.js';
import { encodeCorruptEvent, encodeEvent, encodeException } from './event-stream.js';

export interface ConverseEvent {
  readonly type: string;
  readonly payload: Record<string, unknown>;
}

const lateUsageMs = 250;

const stopReasons: Record<FinishReason, string> = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
};

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html */
export function converseDialect(context: AnswerContext): AnswerDialect {
  const headers = { 'x-amzn-requestid': context.call.requestId };
  const events = new ConverseEvents(context);
  const encode = (event: ConverseEvent): Uint8Array => encodeEvent(event.type, event.payload);
  return {
    streamHeaders: { 'content-type': 'application/vnd.amazon.eventstream', ...headers },
    begin: () => encode(events.start()),
    piece: (piece) => Buffer.concat(events.piece(piece).map(encode)),
    finish: () => events.finish().map((step) => (isPause(step) ? step : encode(step))),
    malformed: () => encodeCorruptEvent(),
    streamError: () => encodeException('modelStreamErrorException', bedrockFaultMessage(503)),
    whole: () => ({
      headers: { 'content-type': 'application/json', ...headers },
      ...splitAtText(JSON.stringify(wholeConverse(context))),
    }),
  };
}

/** The events of one streamed message. Only tool blocks are announced by a start. */
export class ConverseEvents {
  readonly #context: AnswerContext;
  #index = -1;
  #open: 'reasoning' | 'text' | 'tool' | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  start(): ConverseEvent {
    return { type: 'messageStart', payload: { role: 'assistant' } };
  }

  piece(piece: AnswerPiece): ConverseEvent[] {
    switch (piece.kind) {
      case 'reasoning':
        return [...this.#enter('reasoning'), this.#delta({ reasoningContent: { text: piece.text } })];
      case 'signature':
        return signsReasoning(this.#context) ? [this.#delta({ reasoningContent: { signature: piece.signature } })] : [];
      case 'text':
        return [...this.#enter('text'), this.#delta({ text: piece.text })];
      case 'tool-start': {
        const start = { toolUse: { toolUseId: `tooluse_${piece.id}`, name: piece.name } };
        const before = [...this.#leave(), ...this.#enter('tool')];
        return [...before, { type: 'contentBlockStart', payload: { start, contentBlockIndex: this.#index } }];
      }
      case 'tool-arguments':
        return [this.#delta({ toolUse: { input: piece.text } })];
    }
  }

  finish(): (ConverseEvent | Pause)[] {
    const { answer, usage } = this.#context;
    const stop: ConverseEvent = { type: 'messageStop', payload: { stopReason: stopReasons[answer.finish] } };
    const metadata: ConverseEvent = {
      type: 'metadata',
      payload: { usage: usageOf(this.#context), metrics: { latencyMs: 1 } },
    };
    const ending = [...this.#leave(), stop];
    if (usage === 'none') return ending;
    if (usage === 'twice') return [...ending, metadata, metadata];
    return usage === 'late' ? [...ending, { waitMs: lateUsageMs }, metadata] : [...ending, metadata];
  }

  #delta(delta: Record<string, unknown>): ConverseEvent {
    return { type: 'contentBlockDelta', payload: { delta, contentBlockIndex: this.#index } };
  }

  #enter(kind: 'reasoning' | 'text' | 'tool'): ConverseEvent[] {
    if (this.#open === kind) return [];
    const ending = this.#leave();
    this.#open = kind;
    this.#index += 1;
    return ending;
  }

  #leave(): ConverseEvent[] {
    if (this.#open === undefined) return [];
    this.#open = undefined;
    return [{ type: 'contentBlockStop', payload: { contentBlockIndex: this.#index } }];
  }
}

/** Only Claude signs what it thinks. */
function signsReasoning(context: AnswerContext): boolean {
  return context.request.model.owner === 'anthropic';
}

/** The whole answer, its text replaced by the placeholder. */
export function wholeConverse(context: AnswerContext): Record<string, unknown> {
  const { answer } = context;
  const thought = collectText(answer.reasoning);
  const reasoningText = { text: thought, ...(signsReasoning(context) ? { signature: signReasoning(thought) } : {}) };
  const content = [
    ...(answer.reasoning === undefined ? [] : [{ reasoningContent: { reasoningText } }]),
    ...(answer.text === undefined ? [] : [{ text: textPlaceholder }]),
    ...answer.toolCalls.map((call) => ({
      toolUse: { toolUseId: `tooluse_${call.id}`, name: call.name, input: JSON.parse(call.arguments) as unknown },
    })),
  ];
  return {
    output: { message: { role: 'assistant', content } },
    stopReason: stopReasons[answer.finish],
    ...(context.usage === 'none' ? {} : { usage: usageOf(context) }),
    metrics: { latencyMs: 1 },
  };
}

function usageOf({ input, answer }: AnswerContext): Record<string, unknown> {
  const outputTokens = answer.tokens.output + answer.tokens.reasoning;
  const written = input.inputCacheWrite5m + input.inputCacheWrite1h;
  const details = [
    { ttl: '5m', inputTokens: input.inputCacheWrite5m },
    { ttl: '1h', inputTokens: input.inputCacheWrite1h },
  ].filter((detail) => detail.inputTokens > 0);
  return {
    inputTokens: input.inputUncached,
    outputTokens,
    totalTokens: input.inputUncached + input.inputCacheRead + written + outputTokens,
    cacheReadInputTokens: input.inputCacheRead,
    cacheWriteInputTokens: written,
    ...(details.length === 0 ? {} : { cacheDetails: details }),
  };
}
