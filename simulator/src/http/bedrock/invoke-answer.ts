import { MessageEvents, wholeMessage, type MessageEvent } from '../anthropic/anthropic-answer.js';
import { isPause, splitAtText, type AnswerDialect, type FinishStep, type Pause } from '../answer-dialect.js';
import type { AnswerContext } from '../wire-format.js';
import { bedrockFaultMessage } from './bedrock-errors.js';
import { ConverseEvents, wholeConverse, type ConverseEvent } from './converse-answer.js';
import { encodeCorruptEvent, encodeEvent, encodeException } from './event-stream.js';

/**
 * InvokeModel carries the model's own format: Anthropic Messages for Claude, Nova's for Nova. A stream wraps each
 * event of it, base64, in a `chunk`.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 */
export function invokeDialect(context: AnswerContext): AnswerDialect {
  const common = commonParts(context);
  return context.request.model.owner === 'anthropic' ? claudeDialect(context, common) : novaDialect(context, common);
}

type CommonParts = Pick<AnswerDialect, 'streamHeaders' | 'malformed' | 'streamError'> & {
  readonly headers: Record<string, string>;
};

function commonParts(context: AnswerContext): CommonParts {
  const { call, input, answer } = context;
  const requestId = { 'x-amzn-requestid': call.requestId };
  const counts = {
    'x-amzn-bedrock-input-token-count': String(input.inputUncached),
    'x-amzn-bedrock-output-token-count': String(answer.tokens.output + answer.tokens.reasoning),
    'x-amzn-bedrock-cache-read-input-token-count': String(input.inputCacheRead),
    'x-amzn-bedrock-cache-write-input-token-count': String(input.inputCacheWrite5m + input.inputCacheWrite1h),
  };
  return {
    headers: {
      'content-type': 'application/json',
      'x-amzn-bedrock-invocation-latency': '1',
      ...requestId,
      ...(context.usage === 'none' ? {} : counts),
    },
    streamHeaders: {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-bedrock-content-type': 'application/json',
      ...requestId,
    },
    malformed: () => encodeCorruptEvent(),
    streamError: () => encodeException('modelStreamErrorException', bedrockFaultMessage(503)),
  };
}

function claudeDialect(context: AnswerContext, common: CommonParts): AnswerDialect {
  const events = new MessageEvents(context);
  return {
    ...common,
    begin: () => encodeChunk(events.start()),
    // Bedrock sends no pings.
    piece: (piece) =>
      Buffer.concat(
        events
          .piece(piece)
          .filter((event) => event.type !== 'ping')
          .map(encodeChunk),
      ),
    finish: () =>
      events.finish().map((step): FinishStep => (isPause(step) ? step : encodeChunk(withMetrics(step, context)))),
    whole: () => ({ headers: common.headers, ...splitAtText(JSON.stringify(wholeMessage(context))) }),
  };
}

/** Bedrock adds its own counts to the model's last event. */
function withMetrics(event: MessageEvent, { usage, input, answer }: AnswerContext): MessageEvent {
  if (event.type !== 'message_stop' || usage === 'none') return event;
  return {
    ...event,
    'amazon-bedrock-invocationMetrics': {
      inputTokenCount: input.inputUncached,
      outputTokenCount: answer.tokens.output + answer.tokens.reasoning,
      invocationLatency: 1,
      firstByteLatency: 1,
      cacheReadInputTokenCount: input.inputCacheRead,
      cacheWriteInputTokenCount: input.inputCacheWrite5m + input.inputCacheWrite1h,
    },
  };
}

function novaDialect(context: AnswerContext, common: CommonParts): AnswerDialect {
  const events = new ConverseEvents(context);
  const encode = (event: ConverseEvent): Uint8Array => encodeChunk({ [event.type]: event.payload });
  return {
    ...common,
    begin: () => encode(events.start()),
    piece: (piece) => Buffer.concat(events.piece(piece).map(encode)),
    finish: () => events.finish().map((step: ConverseEvent | Pause) => (isPause(step) ? step : encode(step))),
    whole: () => ({ headers: common.headers, ...splitAtText(JSON.stringify(wholeConverse(context))) }),
  };
}

function encodeChunk(event: Record<string, unknown>): Uint8Array {
  return encodeEvent('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') });
}
