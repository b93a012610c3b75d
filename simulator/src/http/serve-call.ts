import { planAnswer } from '../domain/answer.js';
import { checkConversation } from '../domain/conversation-rules.js';
import { lastUserText, type ModelRequest } from '../domain/conversation.js';
import { parseDirective, type Directive, type Failure } from '../domain/directive.js';
import { DirectiveSyntaxError } from '../domain/directive-scanner.js';
import { countPromptTokens, seedOf, segmentPrompt } from '../domain/prompt-segments.js';
import { RequestFault } from '../domain/request-fault.js';
import { Attempt } from './attempt.js';
import type { Exchange } from './exchange.js';
import { playStream, playWhole } from './play-answer.js';
import type { SimulatorState } from './simulator-state.js';
import type { CallContext, WireFormat } from './wire-format.js';

interface Call {
  readonly exchange: Exchange;
  readonly format: WireFormat;
  readonly context: CallContext;
  readonly state: SimulatorState;
}

/** Answers one model call, or refuses it in the format's own words. @throws ClientGone once the client has left */
export async function serveCall(call: Call): Promise<void> {
  const { exchange, format, context } = call;
  try {
    await answerCall(call);
  } catch (error) {
    if (!(error instanceof RequestFault) || exchange.isHeadSent) throw error;
    const { status, headers, body } = format.renderFault(error, context.requestId);
    exchange.respond(status, headers, body);
  }
}

async function answerCall(call: Call): Promise<void> {
  const { exchange, format, context, state } = call;
  const raw = await exchange.readBody();
  state.rememberRequest(exchange, raw);
  const scope = format.authenticate(exchange);
  const body = parseJson(raw);
  const request = format.parse(body, context);
  checkConversation(request);
  const directive = applicableDirective(request, state);
  await failBeforeHead(call, failureOf(request, directive), directive);

  const segments = segmentPrompt(request);
  const promptTokens = countPromptTokens(segments);
  const cacheScope = `${format.name} ${request.model.name} ${scope}`;
  const input =
    format.caching === 'automatic'
      ? state.cache.chargeAutomatic(cacheScope, segments, promptTokens)
      : state.cache.chargeMarked(cacheScope, segments, promptTokens);
  const answer = planAnswer(request, directive, seedOf(request.model.name, segments));
  const attempt = new Attempt(
    {
      attemptId: exchange.header('x-client-request-id') ?? null,
      model: request.model.name,
      input,
      reportsReasoning: format.reportsReasoning(request.model),
    },
    state.invoice,
    exchange,
  );
  const dialect = format.dialect({ request, body, answer, input, usage: directive.usage, call: context });
  try {
    await (request.stream ? playStream : playWhole)({ exchange, attempt, answer, directive, dialect });
  } finally {
    attempt.close(false);
  }
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch (error) {
    throw new RequestFault(
      400,
      `The body of the request is not valid JSON: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

function applicableDirective(request: ModelRequest, state: SimulatorState): Directive {
  const text = lastUserText(request.turns);
  const directive = readDirective(text, request.model.name);
  const isSpent =
    directive.fail !== undefined && directive.failTimes !== undefined && state.countFailure(text) > directive.failTimes;
  return isSpent ? { ...directive, fail: undefined } : directive;
}

function readDirective(text: string, model: string): Directive {
  try {
    return parseDirective(text, model);
  } catch (error) {
    if (error instanceof DirectiveSyntaxError)
      throw new RequestFault(400, `weir-simulator: ${error.message}`, { param: 'messages' });
    throw error;
  }
}

/** A plain answer has no frames to fail between: `error@n` is then the status it would have had. */
function failureOf(request: ModelRequest, directive: Directive): Failure | undefined {
  return directive.fail?.kind === 'error' && !request.stream ? { kind: 'status', status: 500 } : directive.fail;
}

/** Failures that the model never sees: they cost nothing and have no line on the invoice. */
async function failBeforeHead(
  { exchange, format }: Call,
  fail: Failure | undefined,
  directive: Directive,
): Promise<void> {
  if (fail === undefined || (fail.kind !== 'status' && fail.afterChunks !== undefined)) return;
  await exchange.wait(directive.ttftMs);
  if (fail.kind === 'status') {
    const retryAfterSeconds = directive.retryAfterSeconds ?? (fail.status === 429 ? 1 : undefined);
    throw new RequestFault(
      fail.status,
      format.faultMessage(fail.status),
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
  if (fail.kind === 'stall') await exchange.stayQuiet();
  await exchange.reset();
  throw new ResetBeforeHead();
}

/** The connection is gone by our own doing; nothing is left to answer. */
export class ResetBeforeHead extends Error {
  override readonly name = 'ResetBeforeHead';
}
