import type { CallRequest, ReasoningRequest } from '@weir/call-model';
import type { TargetCapabilities } from '../dialect.js';
import type { DropList } from './drop-list.js';
import { withoutUndefined, type JsonObject } from './json.js';

/** Anthropic's own minimum. */
const BUDGET_TOKENS_MIN = 1024;

/** Tokens of thinking for a word, on models that take only a number. */
const BUDGET_OF_EFFORT: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
};

/** Chat's words that Claude has no equal for. */
const CLAUDE_EFFORT: Readonly<Record<string, string>> = { minimal: 'low' };

/** Claude's thinking settings: `config` is the value of `thinking`, `effort` that of `output_config.effort`. */
export interface Thinking {
  readonly config?: JsonObject;
  readonly effort?: string;
  readonly isOn: boolean;
}

const OFF: Thinking = { isOn: false };

/** How a call's wish for reasoning is put to Claude, by what the model takes. */
export function chooseThinking(
  request: CallRequest,
  target: TargetCapabilities,
  maxTokens: number,
  dropped: DropList,
): Thinking {
  const { reasoning } = request;
  if (!reasoning || reasoning.mode === 'off') return OFF;
  if ((target.reasoning ?? 'none') === 'none') {
    dropped.add('reasoning_effort', 'not_accepted_by_model');
    return OFF;
  }
  if (request.toolChoice?.mode === 'required' || request.toolChoice?.mode === 'tool') {
    // Claude answers 400 to thinking with a forced tool.
    dropped.add('reasoning_effort', 'conflicts_with_tool_choice');
    return OFF;
  }
  return target.reasoning === 'effort'
    ? chooseEffort(reasoning, dropped)
    : chooseBudget(request, reasoning, maxTokens, dropped);
}

function chooseEffort(reasoning: ReasoningRequest, dropped: DropList): Thinking {
  if (reasoning.mode === 'budget') dropped.add('thinking.budget_tokens', 'mapped_to_adaptive');
  const effort = reasoning.effort === undefined ? undefined : (CLAUDE_EFFORT[reasoning.effort] ?? reasoning.effort);
  const type = reasoning.mode === 'between-tools' ? 'between_tools' : 'adaptive';
  return { isOn: true, config: { type }, ...(withoutUndefined({ effort }) as { effort?: string }) };
}

function chooseBudget(
  request: CallRequest,
  reasoning: ReasoningRequest,
  maxTokens: number,
  dropped: DropList,
): Thinking {
  if (isToolTurnWithoutThinking(request)) {
    // Claude answers 400 when a tool turn under way does not start with its own signed thinking.
    dropped.add('reasoning_effort', 'no_signed_reasoning_in_tool_turn');
    return OFF;
  }
  const wanted = reasoning.budgetTokens ?? BUDGET_OF_EFFORT[reasoning.effort ?? 'medium'] ?? 8192;
  const budget = Math.min(wanted, maxTokens - 1);
  if (budget < BUDGET_TOKENS_MIN) {
    dropped.add('reasoning_effort', 'max_tokens_too_small');
    return OFF;
  }
  return { isOn: true, config: { type: 'enabled', budget_tokens: budget } };
}

/** The last word is a tool result, and the calls it answers came without Claude's reasoning (most Chat clients drop it). */
function isToolTurnWithoutThinking(request: CallRequest): boolean {
  const last = request.messages.at(-1);
  if (!last?.content.some((block) => block.type === 'tool-result')) return false;
  const calls = request.messages.findLast((message) => message.role === 'assistant');
  const first = calls?.content[0];
  return !(first?.type === 'reasoning' && first.origin === 'claude');
}
