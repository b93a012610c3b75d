import type { JsonObject } from './json.js';
import type { SimulatedModel, WireFormatName } from './models.js';

export type CacheTtl = '5m' | '1h';

export type PartContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image' | 'document'; readonly label: string; readonly digest: string; readonly byteCount: number }
  | { readonly kind: 'tool-call'; readonly id: string; readonly name: string; readonly arguments: string }
  | { readonly kind: 'tool-result'; readonly callId: string; readonly text: string; readonly isError: boolean }
  | { readonly kind: 'reasoning'; readonly text: string };

/** One block of a prompt. `cache` marks the end of a prefix that the caller wants cached. */
export type Part = PartContent & { readonly cache?: CacheTtl };

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly parts: readonly Part[];
}

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonObject;
  readonly cache?: CacheTtl;
}

export type ToolChoice =
  { readonly mode: 'auto' | 'none' | 'required' } | { readonly mode: 'named'; readonly name: string };

/** A call to a model, whatever wire format it came in. */
export interface ModelRequest {
  readonly model: SimulatedModel;
  readonly format: WireFormatName;
  readonly stream: boolean;
  readonly turns: readonly Turn[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  readonly parallelTools: boolean;
  readonly answerSchema: JsonObject | undefined;
  readonly wantsReasoning: boolean;
  readonly maxOutputTokens: number | undefined;
  readonly stopSequences: readonly string[];
}

/** What the user last wrote, all its text blocks in order. Tool results are not the user's words. */
export function lastUserText(turns: readonly Turn[]): string {
  for (let index = turns.length - 1; index >= 0; index -= 1) {
    const turn = turns[index];
    if (turn?.role !== 'user') continue;
    const texts = turn.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
    if (texts.length > 0) return texts.join('\n');
  }
  return '';
}

/** Everything after the last answer of the model: what it has to answer now. */
export function openTurns(turns: readonly Turn[]): readonly Turn[] {
  const lastAnswer = turns.findLastIndex((turn) => turn.role === 'assistant');
  return turns.slice(lastAnswer + 1);
}

export interface ToolOutcome {
  readonly name: string;
  readonly text: string;
  readonly isError: boolean;
}

/** The tool results the model has to answer now, with the names of the tools they came from. */
export function openToolOutcomes(turns: readonly Turn[]): ToolOutcome[] {
  const names = new Map<string, string>();
  for (const part of turns.flatMap((turn) => turn.parts)) {
    if (part.kind === 'tool-call') names.set(part.id, part.name);
  }
  return openTurns(turns).flatMap((turn) =>
    turn.parts.flatMap((part) =>
      part.kind === 'tool-result'
        ? [{ name: names.get(part.callId) ?? part.callId, text: part.text, isError: part.isError }]
        : [],
    ),
  );
}
