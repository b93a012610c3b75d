import type { ModelRequest, Part, Turn } from './conversation.js';
import { RequestFault } from './request-fault.js';

/**
 * The rules every provider enforces on a conversation: it ends with something to answer, every tool call has its
 * result in the next turn, and no result comes without a call.
 * @throws RequestFault 400
 */
export function checkConversation(request: ModelRequest): void {
  const spoken = request.turns.filter((turn) => turn.role !== 'system');
  if (spoken.length === 0 && !request.turns.some((turn) => turn.parts.length > 0)) {
    throw new RequestFault(400, 'messages: at least one message is required', { param: 'messages' });
  }
  spoken.forEach((turn, index) => checkToolResults(turn, spoken[index - 1], index));
  const last = spoken.at(-1);
  if (last?.role === 'assistant' && callIdsOf(last).length > 0) {
    throw new RequestFault(400, unanswered(callIdsOf(last)), { param: `messages.${spoken.length - 1}` });
  }
  checkToolChoice(request);
}

function checkToolResults(turn: Turn, previous: Turn | undefined, index: number): void {
  const calls = previous?.role === 'assistant' ? callIdsOf(previous) : [];
  const results = turn.parts.flatMap((part: Part) => (part.kind === 'tool-result' ? [part.callId] : []));
  const missing = calls.filter((id) => !results.includes(id));
  if (missing.length > 0) throw new RequestFault(400, unanswered(missing), { param: `messages.${index}` });
  const foreign = results.filter((id) => !calls.includes(id));
  if (foreign.length > 0) {
    throw new RequestFault(
      400,
      `messages.${index}: a tool result must follow the tool call it answers; no preceding call has the id ${foreign.join(', ')}`,
      { param: `messages.${index}` },
    );
  }
}

function callIdsOf(turn: Turn): string[] {
  return turn.parts.flatMap((part) => (part.kind === 'tool-call' ? [part.id] : []));
}

function unanswered(ids: readonly string[]): string {
  return `an assistant message with tool calls must be followed by a result for each of them; without a result: ${ids.join(', ')}`;
}

function checkToolChoice(request: ModelRequest): void {
  const choice = request.toolChoice;
  if (choice.mode === 'named' && !request.tools.some((tool) => tool.name === choice.name)) {
    throw new RequestFault(400, `tool_choice names the tool '${choice.name}', which is not in tools`, {
      param: 'tool_choice',
    });
  }
  if (choice.mode === 'required' && request.tools.length === 0) {
    throw new RequestFault(400, 'tool_choice is only allowed when tools are given', { param: 'tool_choice' });
  }
}
