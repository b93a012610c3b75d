import type { FinishReason } from '@weir/call-model';

const FROM_CONVERSE: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'context-length',
  tool_use: 'tool-calls',
  content_filtered: 'content-filter',
  guardrail_intervened: 'content-filter',
  malformed_model_output: 'malformed',
  malformed_tool_use: 'malformed',
};

const TO_CONVERSE: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'context-length': 'model_context_window_exceeded',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
  refusal: 'content_filtered',
  pause: 'end_turn',
  malformed: 'malformed_model_output',
};

/** An unknown word counts as an ordinary end: the answer is there and the caller can use it. */
export function mapConverseFinish(reason: string): FinishReason {
  return FROM_CONVERSE[reason] ?? 'stop';
}

export function mapFinishToConverse(reason: FinishReason): string {
  return TO_CONVERSE[reason];
}
