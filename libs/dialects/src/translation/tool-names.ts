import { createHash } from 'node:crypto';

/** What a dialect allows as an identifier. */
export interface IdentifierRule {
  readonly pattern: RegExp;
  readonly lengthMax: number;
}

/** Anthropic and Bedrock (`toolUseId`): letters, digits, `_` and `-`, at most 64. */
export const CLAUDE_TOOL_ID: IdentifierRule = { pattern: /^[a-zA-Z0-9_-]+$/, lengthMax: 64 };
/** OpenAI takes any characters, at most 40. */
export const CHAT_TOOL_ID: IdentifierRule = { pattern: /^[^]+$/, lengthMax: 40 };
/** Names of tools: 64 with OpenAI and Bedrock, 128 with Anthropic. */
export const SHORT_TOOL_NAME: IdentifierRule = { pattern: /^[a-zA-Z0-9_-]+$/, lengthMax: 64 };
export const LONG_TOOL_NAME: IdentifierRule = { pattern: /^[a-zA-Z0-9_-]+$/, lengthMax: 128 };

/**
 * A tool call's id in a form the other side accepts: unchanged where it fits, else a digest of it. The same id always gives the
 * same result, so a call and its result still belong together and nothing has to be remembered between requests.
 */
export function mapToolCallId(id: string, rule: IdentifierRule): string {
  return isWithin(id, rule) ? id : `call_${digestOf(id).slice(0, 24)}`;
}

function isWithin(value: string, rule: IdentifierRule): boolean {
  return value.length > 0 && value.length <= rule.lengthMax && rule.pattern.test(value);
}

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Maps tool names into what the upstream accepts and remembers the way back for the answer. */
export class ToolNameMap {
  readonly upstreamToCaller = new Map<string, string>();

  constructor(private readonly rule: IdentifierRule) {}

  /** Unchanged where it fits; else readable characters of it and a digest, so two long names stay apart. */
  toUpstream(name: string): string {
    if (isWithin(name, this.rule)) return name;
    const readable = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, this.rule.lengthMax - 9);
    const mapped = `${readable}_${digestOf(name).slice(0, 8)}`;
    this.upstreamToCaller.set(mapped, name);
    return mapped;
  }
}
