/** How a wish for reasoning ends, as the client sees it. */
export type ReasoningOutcome =
  /** Text with a signature that must come back unchanged. */
  | 'signed'
  /** Text alone. */
  | 'plain'
  /** Nothing to read, but counted in the usage. */
  | 'counted'
  /** The model is not said to reason: the wish is left out and listed. */
  | 'dropped';

/** What each simulated model does because of its provider's wire format, or of its capabilities in weir.yaml. */
export interface SimulatedModel {
  readonly name: string;
  readonly upstream: 'chat' | 'messages' | 'bedrock';
  readonly reasoning: { readonly openai: ReasoningOutcome; readonly anthropic: ReasoningOutcome };
  /** Converse and Nova count reasoning as output. */
  readonly countsReasoning: { readonly openai: boolean; readonly anthropic: boolean };
  /** Converse takes images as data only; by InvokeModel the client's body goes as it is, and the simulated Claude takes both. */
  readonly takesImageUrls: { readonly openai: boolean; readonly anthropic: boolean };
}

export const SIMULATED_MODELS: readonly SimulatedModel[] = [
  {
    name: 'sim-openai',
    upstream: 'chat',
    reasoning: { openai: 'counted', anthropic: 'dropped' },
    countsReasoning: { openai: true, anthropic: true },
    takesImageUrls: { openai: true, anthropic: true },
  },
  {
    name: 'sim-deepseek',
    upstream: 'chat',
    reasoning: { openai: 'plain', anthropic: 'plain' },
    countsReasoning: { openai: true, anthropic: true },
    takesImageUrls: { openai: true, anthropic: true },
  },
  {
    name: 'sim-qwen',
    upstream: 'chat',
    reasoning: { openai: 'plain', anthropic: 'dropped' },
    countsReasoning: { openai: true, anthropic: true },
    takesImageUrls: { openai: true, anthropic: true },
  },
  {
    name: 'sim-anthropic',
    upstream: 'messages',
    reasoning: { openai: 'signed', anthropic: 'signed' },
    countsReasoning: { openai: true, anthropic: true },
    takesImageUrls: { openai: true, anthropic: true },
  },
  {
    name: 'sim-bedrock-claude',
    upstream: 'bedrock',
    reasoning: { openai: 'signed', anthropic: 'signed' },
    countsReasoning: { openai: false, anthropic: true },
    takesImageUrls: { openai: false, anthropic: true },
  },
  {
    name: 'sim-bedrock-nova',
    upstream: 'bedrock',
    reasoning: { openai: 'dropped', anthropic: 'dropped' },
    countsReasoning: { openai: false, anthropic: false },
    takesImageUrls: { openai: false, anthropic: false },
  },
];

/** What a call says when the simulator counts chunks: `000 001 002 …` in base 36. */
export function numberedText(chunks: number): string {
  return Array.from({ length: chunks }, (_, index) => `${index.toString(36).padStart(3, '0')} `).join('');
}
