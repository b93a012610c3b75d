import type { FinishReason } from '@weir/call-model';

const FROM_ANTHROPIC: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'context-length',
  tool_use: 'tool-calls',
  refusal: 'refusal',
  pause_turn: 'pause',
};

const TO_ANTHROPIC: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'context-length': 'model_context_window_exceeded',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  malformed: 'end_turn',
};

/** An unknown word counts as an ordinary end: the answer is there and the caller can use it. */
export function mapAnthropicFinish(reason: string): FinishReason {
  return FROM_ANTHROPIC[reason] ?? 'stop';
}

export function mapFinishToAnthropic(reason: FinishReason): string {
  return TO_ANTHROPIC[reason];
}
