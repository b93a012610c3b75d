import { after, before, describe, it } from 'node:test';
import { describeAnthropicAnswers } from './anthropic-answers.js';
import { API_VERSIONS } from './anthropic-client.js';
import {
  ANTHROPIC_FAULT_TARGETS,
  describeAnthropicFailures,
  describeAnthropicHabits,
  describeAnthropicRefusals,
} from './anthropic-failures.js';
import { describeAnthropicThinking, describeAnthropicTools } from './anthropic-tools.js';
import { startCompatStack, type CompatStack } from './compat-stack.js';
import { SIMULATED_MODELS } from './simulated-models.js';

let started: CompatStack;
const stack = () => started;

before(async () => {
  started = await startCompatStack(ANTHROPIC_FAULT_TARGETS);
});
after(() => started.stop());

describe('the official Anthropic SDK', () => {
  const cases = API_VERSIONS.flatMap((version) => SIMULATED_MODELS.map((model) => ({ model, version, stack })));

  describe('with every simulated model, in both versions of the API', { concurrency: 4 }, () => {
    for (const asked of cases) {
      describe(`${asked.model.name}, version ${asked.version}`, { concurrency: 2 }, () => {
        describeAnthropicAnswers(asked);
        describeAnthropicTools(asked);
        describeAnthropicThinking(asked);
        describeAnthropicFailures(asked);
      });
    }
  });
  for (const version of API_VERSIONS) {
    describeAnthropicRefusals(version, stack);
    describeAnthropicHabits(version, stack);
  }

  it('is recorded with what happened to each call', async (context) => {
    context.diagnostic(await stack().settlement.expectRecorded());
  });

  it('is charged in the record what the provider bills, to the pico-dollar', async (context) => {
    context.diagnostic(await stack().settlement.expectAgreement());
  });
});
