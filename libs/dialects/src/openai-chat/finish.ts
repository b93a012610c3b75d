import type { FinishReason } from '@weir/call-model';

const FROM_CHAT: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  // DeepSeek: the request was interrupted for lack of capacity.
  insufficient_system_resource: 'length',
};

const TO_CHAT: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  'context-length': 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  refusal: 'content_filter',
  pause: 'stop',
  malformed: 'stop',
};

/** An unknown word counts as an ordinary end: the answer is there and the caller can use it. */
export function mapChatFinish(reason: string): FinishReason {
  return FROM_CHAT[reason] ?? 'stop';
}

export function mapFinishToChat(reason: FinishReason): string {
  return TO_CHAT[reason];
}
