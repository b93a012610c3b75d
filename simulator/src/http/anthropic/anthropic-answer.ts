import type { AnswerPiece } from '../../domain/answer-pieces.js';
import { collectText, signReasoning, type Answer, type FinishReason } from '../../domain/answer.js';
import { RequestFault } from '../../domain/request-fault.js';
import { isPause, splitAtText, textPlaceholder, type AnswerDialect, type Pause } from '../answer-dialect.js';
import { eventStreamHeaders, namedEvent } from '../server-sent-events.js';
import type { AnswerContext } from '../wire-format.js';
import { messagesErrorBody, messagesFaultMessage, messagesRateLimitHeaders } from './anthropic-errors.js';

export type MessageEvent = { readonly type: string } & Record<string, unknown>;

const lateUsageMs = 250;

const stopReasons: Record<FinishReason, string> = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
};

/** @see https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming */
export function messagesDialect(context: AnswerContext): AnswerDialect {
  const headers = { 'request-id': context.call.requestId, ...messagesRateLimitHeaders() };
  const events = new MessageEvents(context);
  return {
    streamHeaders: { ...eventStreamHeaders, ...headers },
    begin: () => namedEvent(events.start()),
    piece: (piece) => events.piece(piece).map(namedEvent).join(''),
    finish: () => events.finish().map((step) => (isPause(step) ? step : namedEvent(step))),
    malformed: () => 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":\n\n',
    streamError: () => {
      const fault = new RequestFault(529, messagesFaultMessage(529));
      return namedEvent(messagesErrorBody(fault, context.call.requestId));
    },
    whole: () => ({
      headers: { 'content-type': 'application/json', ...headers },
      ...splitAtText(JSON.stringify(wholeMessage(context))),
    }),
  };
}

/** The events of one streamed message: blocks are opened and closed as the pieces change kind. */
export class MessageEvents {
  readonly #context: AnswerContext;
  #index = -1;
  #open: 'thinking' | 'text' | 'tool' | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  start(): MessageEvent {
    const usage = this.#context.usage === 'none' ? {} : startUsage(this.#context);
    return {
      type: 'message_start',
      message: { ...messageHead(this.#context), content: [], stop_reason: null, stop_sequence: null, usage },
    };
  }

  piece(piece: AnswerPiece): MessageEvent[] {
    switch (piece.kind) {
      case 'reasoning':
        return [
          ...this.#enter('thinking', { type: 'thinking', thinking: '', signature: '' }),
          this.#delta({ type: 'thinking_delta', thinking: piece.text }),
        ];
      case 'signature':
        return [this.#delta({ type: 'signature_delta', signature: piece.signature })];
      case 'text':
        return [
          ...this.#enter('text', { type: 'text', text: '' }),
          this.#delta({ type: 'text_delta', text: piece.text }),
        ];
      case 'tool-start':
        return [
          ...this.#leave(),
          ...this.#enter('tool', { type: 'tool_use', id: `toolu_${piece.id}`, name: piece.name, input: {} }),
        ];
      case 'tool-arguments':
        return [this.#delta({ type: 'input_json_delta', partial_json: piece.text })];
    }
  }

  finish(): (MessageEvent | Pause)[] {
    const { answer, usage } = this.#context;
    const delta = {
      stop_reason: stopReasons[answer.finish],
      stop_sequence: answer.stopSequence ?? null,
      ...(isNewVersion(this.#context) ? { stop_details: null } : {}),
    };
    const last: MessageEvent = {
      type: 'message_delta',
      delta,
      usage: usage === 'none' ? {} : finalUsage(this.#context),
    };
    const early: MessageEvent = { type: 'message_delta', delta, usage: { output_tokens: 1 } };
    const ending = [...this.#leave()];
    if (usage === 'twice') return [...ending, last, last, { type: 'message_stop' }];
    if (usage === 'late') return [...ending, early, { waitMs: lateUsageMs }, last, { type: 'message_stop' }];
    return [...ending, last, { type: 'message_stop' }];
  }

  #delta(delta: Record<string, unknown>): MessageEvent {
    return { type: 'content_block_delta', index: this.#index, delta };
  }

  #enter(kind: 'thinking' | 'text' | 'tool', block: Record<string, unknown>): MessageEvent[] {
    if (this.#open === kind) return [];
    const ending = this.#leave();
    this.#open = kind;
    this.#index += 1;
    const ping = this.#index === 0 ? [{ type: 'ping' }] : [];
    return [...ending, { type: 'content_block_start', index: this.#index, content_block: block }, ...ping];
  }

  #leave(): MessageEvent[] {
    if (this.#open === undefined) return [];
    this.#open = undefined;
    return [{ type: 'content_block_stop', index: this.#index }];
  }
}

/** The whole message, its text replaced by the placeholder. */
export function wholeMessage(context: AnswerContext): Record<string, unknown> {
  const { answer } = context;
  return {
    ...messageHead(context),
    content: contentOf(answer),
    stop_reason: stopReasons[answer.finish],
    stop_sequence: answer.stopSequence ?? null,
    ...(context.usage === 'none' ? {} : { usage: { ...startUsage(context), ...outputUsage(answer) } }),
  };
}

function contentOf(answer: Answer): Record<string, unknown>[] {
  const thinking = collectText(answer.reasoning);
  return [
    ...(answer.reasoning === undefined ? [] : [{ type: 'thinking', thinking, signature: signReasoning(thinking) }]),
    ...(answer.text === undefined ? [] : [{ type: 'text', text: textPlaceholder }]),
    ...answer.toolCalls.map((call) => ({
      type: 'tool_use',
      id: `toolu_${call.id}`,
      name: call.name,
      input: JSON.parse(call.arguments) as unknown,
    })),
  ];
}

function isNewVersion({ call }: Pick<AnswerContext, 'call'>): boolean {
  return call.header('anthropic-version') === '2026-10-21';
}

function messageHead({ answer, request, call }: AnswerContext): Record<string, unknown> {
  return {
    id: `msg_${answer.seed.slice(0, 24)}`,
    type: 'message',
    role: 'assistant',
    model: request.model.name,
    ...(isNewVersion({ call }) ? { container: null, diagnostics: null, stop_details: null } : {}),
  };
}

function inputUsage({ input }: AnswerContext): Record<string, number> {
  return {
    input_tokens: input.inputUncached,
    cache_creation_input_tokens: input.inputCacheWrite5m + input.inputCacheWrite1h,
    cache_read_input_tokens: input.inputCacheRead,
  };
}

function startUsage(context: AnswerContext): Record<string, unknown> {
  const { inputCacheWrite5m, inputCacheWrite1h } = context.input;
  return {
    ...inputUsage(context),
    cache_creation: { ephemeral_5m_input_tokens: inputCacheWrite5m, ephemeral_1h_input_tokens: inputCacheWrite1h },
    output_tokens: 1,
    service_tier: 'standard',
  };
}

function outputUsage({ tokens }: Answer): Record<string, unknown> {
  return {
    output_tokens: tokens.output + tokens.reasoning,
    ...(tokens.reasoning === 0 ? {} : { output_tokens_details: { thinking_tokens: tokens.reasoning } }),
  };
}

function finalUsage(context: AnswerContext): Record<string, unknown> {
  return { ...inputUsage(context), ...outputUsage(context.answer) };
}
