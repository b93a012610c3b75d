import type { Block, CallMessage } from '@weir/call-model';
import type { DropList } from './drop-list.js';

/** What the users' turn says where a conversation starts with the model's. */
const OPENING_USER_TEXT = 'Continue.';

/** A system message that cannot be hoisted, in a form a model takes for an instruction inside a user's turn. */
function wrapSystemText(text: string): string {
  return `<system>\n${text}\n</system>`;
}

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: Block[];
}

export interface TurnRules {
  /** Leave system messages where they are (the target takes them); else they are wrapped into a user's turn. */
  readonly keepSystem: boolean;
}

/**
 * Messages as strictly alternating turns, the first one the user's: neighbours of one role are joined, so all tool results of one
 * turn stand in one user turn, before anything else in it (Anthropic and Bedrock refuse it otherwise). Empty texts are left out.
 */
export function mergeTurns(messages: readonly CallMessage[], rules: TurnRules, dropped: DropList): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const turn = toTurn(message, rules, dropped);
    if (turn.content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === turn.role) last.content.push(...turn.content);
    else turns.push(turn);
  }
  if (turns[0]?.role !== 'user' && turns.length > 0) {
    dropped.add('messages', 'opening_user_turn_added');
    turns.unshift({ role: 'user', content: [{ type: 'text', text: OPENING_USER_TEXT }] });
  }
  return turns.map((turn) => (turn.role === 'user' ? { role: 'user', content: resultsFirst(turn.content) } : turn));
}

function toTurn(message: CallMessage, rules: TurnRules, dropped: DropList): Turn {
  const content = message.content.filter((block) => block.type !== 'text' || block.text.trim() !== '');
  if (message.role !== 'system' || rules.keepSystem) return { role: message.role, content };
  if (content.length > 0) dropped.add('messages.system', 'wrapped_in_user_turn');
  return {
    role: 'user',
    content: content.map((block) => (block.type === 'text' ? { ...block, text: wrapSystemText(block.text) } : block)),
  };
}

function resultsFirst(content: Block[]): Block[] {
  const results = content.filter((block) => block.type === 'tool-result');
  return results.length === 0 ? content : [...results, ...content.filter((block) => block.type !== 'tool-result')];
}
