import { createHash } from 'node:crypto';
import type { CacheTtl, ModelRequest, Part, ToolDefinition } from './conversation.js';
import { countTokensOfText, tokensPerDocument, tokensPerImage, tokensPerMessage, tokensPerRequest } from './tokens.js';

/** One block of a prompt in the order models read it: tools, system, then the turns. */
export interface PromptSegment {
  /** What decides whether two blocks are the same, for caches and for the seed of the answer. */
  readonly canonical: string;
  readonly tokens: number;
  readonly cache: CacheTtl | undefined;
}

export function segmentPrompt(request: Pick<ModelRequest, 'tools' | 'turns'>): PromptSegment[] {
  const leading = request.turns.findIndex((turn) => turn.role !== 'system');
  const systemCount = leading === -1 ? request.turns.length : leading;
  return [
    ...request.tools.map(segmentOfTool),
    ...request.turns.flatMap((turn, index) =>
      turn.parts.map((part, position) =>
        segmentOfPart(part, index < systemCount ? 'system' : turn.role, position === 0 ? tokensPerMessage : 0),
      ),
    ),
  ];
}

export function countPromptTokens(segments: readonly PromptSegment[]): number {
  return segments.reduce((sum, segment) => sum + segment.tokens, tokensPerRequest);
}

/** Decides everything that is arbitrary about an answer: the same request always gets the same one. */
export function seedOf(model: string, segments: readonly PromptSegment[]): string {
  const hash = createHash('sha256').update(model);
  for (const segment of segments) hash.update('\0').update(segment.canonical);
  return hash.digest('hex');
}

function segmentOfTool(tool: ToolDefinition): PromptSegment {
  const canonical = `tool ${tool.name} ${tool.description} ${JSON.stringify(tool.schema)}`;
  return { canonical, tokens: countTokensOfText(canonical), cache: tool.cache };
}

function segmentOfPart(part: Part, role: string, overheadTokens: number): PromptSegment {
  const { canonical, tokens } = measurePart(part);
  return { canonical: `${role} ${canonical}`, tokens: tokens + overheadTokens, cache: part.cache };
}

function measurePart(part: Part): { canonical: string; tokens: number } {
  switch (part.kind) {
    case 'text':
    case 'reasoning':
      return { canonical: part.text, tokens: countTokensOfText(part.text) };
    case 'image':
      return { canonical: `image ${part.digest}`, tokens: tokensPerImage };
    case 'document':
      return { canonical: `document ${part.digest}`, tokens: tokensPerDocument };
    case 'tool-call':
      return measureText(`${part.name} ${part.arguments}`);
    case 'tool-result':
      return measureText(part.text);
  }
}

function measureText(canonical: string): { canonical: string; tokens: number } {
  return { canonical, tokens: countTokensOfText(canonical) };
}
