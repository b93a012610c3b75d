import { after, before, describe, it } from 'node:test';
import { expect } from 'expect';
import { startCompatStack, type CompatStack } from './compat-stack.js';
import { modelAt } from './fault-targets.js';
import { installPythonSdks, type PythonWithSdks } from './python-process.js';
import type { AnswerUsage } from './settlement.js';
import { SIMULATED_MODELS } from './simulated-models.js';

/** What `python_sdks.py` tries, by its own names. */
const CASES = {
  openai: ['plain', 'stream', 'tools', 'schema', 'errors', 'broken_stream', 'asynchronous', 'models'],
  anthropic: [
    'plain',
    'older_version',
    'stream',
    'tools',
    'tool_runner',
    'schema',
    'errors',
    'broken_stream',
    'asynchronous',
    'models',
  ],
} as const;
const SDKS = ['openai', 'anthropic'] as const;
const MODELS = SIMULATED_MODELS.map((model) => model.name);
const TARGETS = SDKS.flatMap((sdk) => [`${sdk}-fails`, `${sdk}-fails-too`]);

function modelsAt(target: string): Record<string, string> {
  return Object.fromEntries(MODELS.map((model) => [model, modelAt(model, target)]));
}

interface Result {
  readonly sdk: string;
  readonly model: string;
  readonly case: string;
  /** The traceback, or null. */
  readonly error: string | null;
  readonly callId?: string;
  readonly usage?: AnswerUsage;
}

let stack: CompatStack | undefined;
let python: PythonWithSdks | undefined;
let results: Result[] = [];

before(async () => {
  [stack, python] = await Promise.all([startCompatStack(TARGETS), installPythonSdks()]);
  const { url, key } = stack.connection.gateway;
  const faulty = Object.fromEntries(SDKS.map((sdk) => [sdk, modelsAt(`${sdk}-fails`)]));
  results = (await python.run({ url, key, models: MODELS, faulty })) as Result[];
});
after(async () => {
  python?.remove();
  await stack?.stop();
});

for (const sdk of SDKS) {
  describe(`the official ${sdk} SDK for Python`, () => {
    for (const model of MODELS) {
      for (const name of CASES[sdk]) {
        it(`${model}: ${name.replace('_', ' ')}`, () => {
          const found = results.filter((each) => each.sdk === sdk && each.model === model && each.case === name);
          expect(found).toHaveLength(1);
          expect(found[0]?.error).toBeNull();
        });
      }
    }
  });
}

describe('what Python was told', () => {
  it('was all of it looked at', () => {
    expect(results).toHaveLength(MODELS.length * SDKS.reduce((sum, sdk) => sum + CASES[sdk].length, 0));
  });

  it('is charged in the record what the provider bills, to the pico-dollar', async (context) => {
    if (stack === undefined) throw new Error('the stack did not start');
    for (const { callId, usage } of results) if (usage) stack.settlement.note(callId, usage);
    context.diagnostic(await stack.settlement.expectAgreement());
  });
});
