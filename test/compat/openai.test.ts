import { after, before, describe, it } from 'node:test';
import { startCompatStack, type CompatStack } from './compat-stack.js';
import { describeOpenAiAnswers } from './openai-answers.js';
import {
  OPENAI_FAULT_TARGETS,
  describeOpenAiFailures,
  describeOpenAiHabits,
  describeOpenAiRefusals,
} from './openai-failures.js';
import { describeOpenAiReasoning, describeOpenAiTools } from './openai-tools.js';
import { SIMULATED_MODELS } from './simulated-models.js';

let started: CompatStack;
const stack = () => started;

before(async () => {
  started = await startCompatStack(OPENAI_FAULT_TARGETS);
});
after(() => started.stop());

describe('the official OpenAI SDK', () => {
  describe('with every simulated model', { concurrency: 3 }, () => {
    for (const model of SIMULATED_MODELS) {
      describe(model.name, { concurrency: 3 }, () => {
        describeOpenAiAnswers(model, stack);
        describeOpenAiTools(model, stack);
        describeOpenAiReasoning(model, stack);
        describeOpenAiFailures(model, stack);
      });
    }
  });
  describeOpenAiRefusals(stack);
  describeOpenAiHabits(stack);

  it('is recorded with what happened to each call', async (context) => {
    context.diagnostic(await stack().settlement.expectRecorded());
  });

  it('is charged in the record what the provider bills, to the pico-dollar', async (context) => {
    context.diagnostic(await stack().settlement.expectAgreement());
  });
});
