import { createHash } from 'node:crypto';
import { lastUserText, openToolOutcomes, openTurns, type ModelRequest, type Part } from './conversation.js';
import { withoutDirectives, type Directive } from './directive.js';
import { instanceOfSchema } from './schema-instance.js';
import { fillerText, literalText, numberedText, type TextSource } from './text-source.js';
import { bytesPerToken, countTokensOfBytes, countTokensOfText } from './tokens.js';
import { chooseToolCalls, type ToolCall } from './tool-choice.js';

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'stop-sequence';

/** Everything the model will say, decided before the first byte is sent. */
export interface Answer {
  readonly seed: string;
  readonly reasoning: TextSource | undefined;
  readonly text: TextSource | undefined;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: FinishReason;
  readonly stopSequence: string | undefined;
  /** `output` excludes `reasoning`. */
  readonly tokens: { readonly output: number; readonly reasoning: number };
}

const defaultReasoningTokens = 12;

export function planAnswer(request: ModelRequest, directive: Directive, seed: string): Answer {
  const outcomes = openToolOutcomes(request.turns);
  const toolCalls = outcomes.length > 0 ? [] : chooseToolCalls(request, directive, seed);
  const spoken = composeText(request, directive, seed, toolCalls.length > 0);
  const stopped = spoken.literal === undefined ? undefined : cutAtStop(spoken.literal, request.stopSequences);
  const text = stopped === undefined ? spoken.text : literalText(stopped.text, chunksOf(directive));
  const draft = {
    seed,
    reasoning: composeReasoning(request, directive),
    text: text !== undefined && text.bytes > 0 ? text : undefined,
    toolCalls: stopped === undefined ? toolCalls : [],
  };
  return withinLimit(draft, request.maxOutputTokens, stopped?.sequence);
}

/** The tokens of one tool call: its name and its arguments. */
function countTokensOfToolCall(call: ToolCall): number {
  return countTokensOfText(call.name + call.arguments);
}

/** Proves that a reasoning text came from this simulator unchanged, as providers' signatures do. */
export function signReasoning(text: string): string {
  return createHash('sha256').update(`weir-simulator reasoning\0${text}`).digest('base64');
}

export function collectText(source: TextSource | undefined): string {
  return source === undefined ? '' : Array.from(source.pieces()).join('');
}

/** A failure after n chunks needs an answer of more than n. */
function chunksOf(directive: Directive): number | undefined {
  const failAfter =
    directive.fail !== undefined && directive.fail.kind !== 'status' ? directive.fail.afterChunks : undefined;
  return directive.chunks ?? (failAfter === undefined || failAfter === 0 ? undefined : failAfter + 10);
}

interface Spoken {
  readonly text: TextSource | undefined;
  /** The text as one string, where it is short enough to be looked into. */
  readonly literal: string | undefined;
}

function composeText(request: ModelRequest, directive: Directive, seed: string, callsTools: boolean): Spoken {
  const chunks = chunksOf(directive);
  const literal = literalAnswer(request, directive, seed, callsTools);
  if (literal !== undefined) return { literal, text: literalText(literal, chunks) };
  if (directive.bytes !== undefined) return { literal: undefined, text: fillerText(directive.bytes, chunks) };
  if (callsTools) return { literal: undefined, text: undefined };
  if (chunks !== undefined) return { literal: undefined, text: numberedText(chunks) };
  const standard = standardAnswer(request, seed);
  return { literal: standard, text: literalText(standard) };
}

function literalAnswer(
  request: ModelRequest,
  directive: Directive,
  seed: string,
  callsTools: boolean,
): string | undefined {
  const outcomes = openToolOutcomes(request.turns);
  const isSteered = directive.text !== undefined || directive.bytes !== undefined;
  if (request.answerSchema !== undefined && !callsTools && !isSteered) {
    return JSON.stringify(instanceOfSchema(request.answerSchema, seed));
  }
  if (outcomes.length === 0 || directive.bytes !== undefined) return directive.text;
  const quotes = outcomes.map(
    (each) => `The tool ${each.name} ${each.isError ? 'failed with' : 'returned'}: ${each.text}`,
  );
  return [...(directive.text === undefined ? [] : [directive.text]), ...quotes].join('\n');
}

function standardAnswer(request: ModelRequest, seed: string): string {
  const prompt = withoutDirectives(lastUserText(request.turns));
  const seen = openTurns(request.turns)
    .flatMap((turn) => turn.parts)
    .flatMap(describeAttachment);
  const quote = prompt.length > 160 ? `${Array.from(prompt).slice(0, 160).join('')}…` : prompt;
  return [
    `Simulated answer ${seed.slice(0, 8)} from ${request.model.name}.`,
    ...seen,
    quote === '' ? 'You said nothing.' : `You said: “${quote}”`,
    'No model was asked; the same request always gets this answer.',
  ].join(' ');
}

function describeAttachment(part: Part): string[] {
  if (part.kind !== 'image' && part.kind !== 'document') return [];
  return [`I see ${part.kind === 'image' ? 'an image' : 'a document'} (${part.label}, ${part.byteCount} bytes).`];
}

function composeReasoning(request: ModelRequest, directive: Directive): TextSource | undefined {
  const wanted = request.wantsReasoning ? defaultReasoningTokens : 0;
  const tokens = directive.reasoningTokens ?? wanted;
  if (tokens === 0) return undefined;
  const bytes = tokens * bytesPerToken;
  return fillerText(bytes, Math.ceil(tokens / 4));
}

function cutAtStop(text: string, sequences: readonly string[]): { text: string; sequence: string } | undefined {
  const hits = sequences
    .map((sequence) => ({ sequence, at: sequence === '' ? -1 : text.indexOf(sequence) }))
    .filter((hit) => hit.at !== -1)
    .sort((left, right) => left.at - right.at);
  const first = hits[0];
  return first === undefined ? undefined : { text: text.slice(0, first.at), sequence: first.sequence };
}

/** Models stop at their limit whatever they were saying: first reasoning, then text, then whole tool calls. */
function withinLimit(
  draft: Pick<Answer, 'seed' | 'reasoning' | 'text' | 'toolCalls'>,
  maxTokens: number | undefined,
  stopSequence: string | undefined,
): Answer {
  let left = maxTokens ?? Number.MAX_SAFE_INTEGER;
  let isCut = false;
  const fit = (source: TextSource | undefined): TextSource | undefined => {
    if (source === undefined) return undefined;
    const fits = countTokensOfBytes(source.bytes) <= left;
    const kept = fits ? source : source.truncated(left * bytesPerToken);
    isCut ||= !fits;
    left -= countTokensOfBytes(kept.bytes);
    return kept.bytes === 0 ? undefined : kept;
  };
  const reasoning = fit(draft.reasoning);
  const text = fit(draft.text);
  const toolCalls = draft.toolCalls.filter((call) => {
    const tokens = countTokensOfToolCall(call);
    if (isCut || tokens > left) isCut = true;
    else left -= tokens;
    return !isCut;
  });
  const finish = finishOf({ isCut, callsTools: toolCalls.length > 0, stopSequence });
  return {
    seed: draft.seed,
    reasoning,
    text,
    toolCalls,
    finish,
    stopSequence: finish === 'stop-sequence' ? stopSequence : undefined,
    tokens: {
      reasoning: countTokensOfBytes(reasoning?.bytes ?? 0),
      output:
        countTokensOfBytes(text?.bytes ?? 0) + toolCalls.reduce((sum, call) => sum + countTokensOfToolCall(call), 0),
    },
  };
}

function finishOf(state: { isCut: boolean; callsTools: boolean; stopSequence: string | undefined }): FinishReason {
  if (state.isCut) return 'length';
  if (state.callsTools) return 'tool-calls';
  return state.stopSequence === undefined ? 'stop' : 'stop-sequence';
}
