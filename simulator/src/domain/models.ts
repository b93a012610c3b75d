import { RequestFault } from './request-fault.js';

/** The wire formats spoken; a model answers only on those its real counterpart is sold on. */
export type WireFormatName = 'openai-chat' | 'anthropic-messages' | 'bedrock-converse' | 'bedrock-invoke';

export interface SimulatedModel {
  readonly name: string;
  readonly displayName: string;
  readonly owner: string;
  readonly formats: readonly WireFormatName[];
  /** Reasons aloud unless the request switches it off. */
  readonly reasonsByDefault: boolean;
  /** Shows its reasoning in the answer; OpenAI's only counts it. */
  readonly showsReasoning: boolean;
  readonly inputTokensMax: number;
  readonly outputTokensMax: number;
}

const quiet = { reasonsByDefault: false, showsReasoning: true } as const;

export const simulatedModels: readonly SimulatedModel[] = [
  {
    name: 'sim-openai',
    displayName: 'Simulated GPT',
    owner: 'openai',
    formats: ['openai-chat'],
    reasonsByDefault: false,
    showsReasoning: false,
    inputTokensMax: 400_000,
    outputTokensMax: 128_000,
  },
  {
    name: 'sim-deepseek',
    displayName: 'Simulated DeepSeek',
    owner: 'deepseek',
    formats: ['openai-chat', 'bedrock-converse'],
    reasonsByDefault: true,
    showsReasoning: true,
    inputTokensMax: 128_000,
    outputTokensMax: 64_000,
  },
  {
    name: 'sim-qwen',
    displayName: 'Simulated Qwen',
    owner: 'qwen',
    formats: ['openai-chat', 'bedrock-converse'],
    ...quiet,
    inputTokensMax: 256_000,
    outputTokensMax: 32_768,
  },
  {
    name: 'sim-anthropic',
    displayName: 'Simulated Claude',
    owner: 'anthropic',
    formats: ['anthropic-messages'],
    ...quiet,
    inputTokensMax: 1_000_000,
    outputTokensMax: 128_000,
  },
  {
    name: 'sim-bedrock-claude',
    displayName: 'Simulated Claude on Bedrock',
    owner: 'anthropic',
    formats: ['bedrock-converse', 'bedrock-invoke'],
    ...quiet,
    inputTokensMax: 200_000,
    outputTokensMax: 64_000,
  },
  {
    name: 'sim-bedrock-nova',
    displayName: 'Simulated Nova on Bedrock',
    owner: 'amazon',
    formats: ['bedrock-converse', 'bedrock-invoke'],
    ...quiet,
    inputTokensMax: 300_000,
    outputTokensMax: 10_000,
  },
];

/** A Bedrock cross-region inference profile is the model's name behind a region's. */
const inferenceProfile = /^(?:us-gov|us|eu|apac|jp|au|global)\./;

function findModel(name: string, format: WireFormatName): SimulatedModel | undefined {
  const bare = format.startsWith('bedrock') ? name.replace(inferenceProfile, '') : name;
  return simulatedModels.find((model) => model.name === bare && model.formats.includes(format));
}

/** @throws RequestFault 404 naming the models that the format serves. */
export function getModel(name: unknown, format: WireFormatName): SimulatedModel {
  if (typeof name !== 'string' || name === '') {
    throw new RequestFault(400, 'you must provide a model parameter', { param: 'model' });
  }
  const model = findModel(name, format);
  if (model === undefined) {
    const served = simulatedModels.filter((each) => each.formats.includes(format)).map((each) => each.name);
    throw new RequestFault(
      404,
      `The model \`${name}\` does not exist or you do not have access to it. This simulator serves here: ${served.join(', ')}.`,
      { param: 'model', code: 'model_not_found' },
    );
  }
  return model;
}
