import { it } from 'node:test';
import { expect } from 'expect';
import type OpenAI from 'openai';
import {
  ask,
  askStreamed,
  messageOf,
  openaiClient,
  reasoningOf,
  usageOf,
  type ReasoningFields,
  type UseStack,
} from './openai-client.js';
import { CITY, CLOCK_SCHEMA, USE_BOTH_TOOLS, WEATHER_SCHEMA } from './sample-content.js';
import type { SimulatedModel } from './simulated-models.js';

type Message = OpenAI.Chat.ChatCompletionMessageParam;
type Answer = OpenAI.Chat.ChatCompletion;

const WEATHER = {
  type: 'function' as const,
  function: { name: 'get_weather', description: 'The weather of a city.', parameters: WEATHER_SCHEMA },
};
const CLOCK = {
  type: 'function' as const,
  function: { name: 'get_time', description: 'The time in a zone.', parameters: CLOCK_SCHEMA },
};
const TOOLS = [WEATHER, CLOCK];

interface Called {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

function callsOf(answer: Answer): Called[] {
  return (messageOf(answer).tool_calls ?? []).map((call) => {
    if (call.type !== 'function') throw new Error(`a tool call of type ${call.type}`);
    return { id: call.id, ...call.function };
  });
}

function expectBothCalled(answer: Answer): Called[] {
  const calls = callsOf(answer);
  expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
  expect(calls.map((call) => call.name)).toEqual(['get_weather', 'get_time']);
  expect(calls.map((call) => JSON.parse(call.arguments) as unknown)).toEqual([{ city: CITY }, { zone: 'CET' }]);
  expect(new Set(calls.map((call) => call.id)).size).toBe(2);
  return calls;
}

function withResults(question: Message, answer: Answer, results: readonly string[]): Message[] {
  const calls = callsOf(answer);
  const answers = calls.map((call, index): Message => ({
    role: 'tool',
    tool_call_id: call.id,
    content: results[index] ?? '',
  }));
  return [question, messageOf(answer), ...answers];
}

/** Tools: calls that belong together. */
export function describeOpenAiTools(model: SimulatedModel, stack: UseStack): void {
  const { name } = model;

  it("runs both tools with the SDK's own runner, and quotes their results", async () => {
    const given: unknown[] = [];
    const runner = openaiClient(stack()).chat.completions.runTools({
      model: name,
      messages: [{ role: 'user', content: USE_BOTH_TOOLS }],
      tools: TOOLS.map((tool) => ({
        type: 'function' as const,
        function: {
          ...tool.function,
          parse: JSON.parse as (text: string) => object,
          function: (parameters: object) => {
            given.push(parameters);
            return `result of ${tool.function.name}`;
          },
        },
      })),
    });
    const final = await runner.finalContent();
    expect(given).toEqual([{ city: CITY }, { zone: 'CET' }]);
    expect(final).toContain('The tool get_weather returned: result of get_weather');
    expect(final).toContain('The tool get_time returned: result of get_time');
    expect(runner.allChatCompletions()).toHaveLength(2);
  });

  it('streams the arguments of parallel calls in pieces, and takes their results as a stream', async () => {
    const question: Message = { role: 'user', content: USE_BOTH_TOOLS };
    const { answer, chunks } = await askStreamed(stack(), { model: name, messages: [question], tools: TOOLS });
    expectBothCalled(answer);
    const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(deltas.filter((delta) => delta.id !== undefined).map((delta) => delta.index)).toEqual([0, 1]);
    expect(deltas.filter((delta) => delta.index === 0 && delta.function?.arguments).length).toBeGreaterThan(1);
    const messages = withResults(question, answer, ['18 degrees', '12:00']);
    const second = await askStreamed(stack(), { model: name, messages, tools: TOOLS });
    expect(messageOf(second.answer).content).toContain('The tool get_weather returned: 18 degrees');
    expect(messageOf(second.answer).content).toContain('The tool get_time returned: 12:00');
    expect(second.answer.choices[0]?.finish_reason).toBe('stop');
  });

  it('calls the tool it must, none when it may not, and one at a time when told so', async () => {
    const messages: Message[] = [{ role: 'user', content: 'hello' }];
    const required = await ask(stack(), { model: name, messages, tools: TOOLS, tool_choice: 'required' });
    expect(callsOf(required.answer).map((call) => call.name)).toEqual(['get_weather']);
    const named = { type: 'function' as const, function: { name: 'get_time' } };
    const forced = await ask(stack(), { model: name, messages, tools: TOOLS, tool_choice: named });
    expect(callsOf(forced.answer).map((call) => call.name)).toEqual(['get_time']);
    const none = await ask(stack(), { model: name, messages, tools: TOOLS, tool_choice: 'none' });
    expect(callsOf(none.answer)).toEqual([]);
    expect(none.answer.choices[0]?.finish_reason).toBe('stop');
    if (model.upstream === 'bedrock') return;
    const both: Message[] = [{ role: 'user', content: USE_BOTH_TOOLS }];
    const single = await ask(stack(), { model: name, messages: both, tools: TOOLS, parallel_tool_calls: false });
    expect(callsOf(single.answer).map((call) => call.name)).toEqual(['get_weather']);
  });
}

/** Reasoning, alone and before tools. */
export function describeOpenAiReasoning(model: SimulatedModel, stack: UseStack): void {
  const { name } = model;

  it(`reasons when asked to: ${model.reasoning.openai}`, async () => {
    const request = {
      model: name,
      messages: [{ role: 'user' as const, content: 'think about it' }],
      reasoning_effort: 'low' as const,
    };
    const { answer, headers } = await ask(stack(), request);
    const streamed = await askStreamed(stack(), request);
    expectReasoning(model, answer, headers);
    const tokens = answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0;
    expect(tokens > 0).toBe(model.reasoning.openai !== 'dropped' && model.countsReasoning.openai);
    expect(usageOf(streamed.answer.usage).output).toBe(usageOf(answer.usage).output);
    const deltas = streamed.chunks.map((chunk) => chunk.choices[0]?.delta as ReasoningFields | undefined);
    const text = deltas.map((delta) => delta?.reasoning_content ?? '').join('');
    expect(text).toBe(reasoningOf(messageOf(answer)).reasoning_content ?? '');
    expect(messageOf(streamed.answer).content).toBe(messageOf(answer).content);
  });

  it('goes on after its tools with the reasoning that came before them', async () => {
    const question: Message = { role: 'user', content: USE_BOTH_TOOLS };
    const request = { model: name, messages: [question], tools: TOOLS, reasoning_effort: 'low' as const };
    const first = await ask(stack(), request);
    expectBothCalled(first.answer);
    const messages = withResults(question, first.answer, ['18 degrees', '12:00']);
    const second = await ask(stack(), { ...request, messages });
    expect(messageOf(second.answer).content).toContain('The tool get_weather returned: 18 degrees');
    if (model.reasoning.openai !== 'signed') return;
    // The simulator refuses a signature it did not give, so this one has come back to it unchanged.
    expect(second.headers.get('x-weir-dropped') ?? '').not.toContain('reasoning');
    expectReasoning(model, second.answer, second.headers);
  });
}

function expectReasoning(model: SimulatedModel, answer: Answer, headers: Headers): void {
  const { reasoning_content: text = '', reasoning_details: details = [] } = reasoningOf(messageOf(answer));
  const dropped = headers.get('x-weir-dropped') ?? '';
  switch (model.reasoning.openai) {
    case 'signed':
      expect(text).toMatch(/^All work/);
      expect(details).toEqual([expect.objectContaining({ type: 'reasoning.text', text })]);
      expect(details[0]?.signature).toMatch(/^[A-Za-z0-9+/=]{20,}$/);
      break;
    case 'plain':
      expect(text).toMatch(/^All work/);
      expect(details).toEqual([]);
      break;
    case 'counted':
      expect(text).toBe('');
      break;
    case 'dropped':
      expect(text).toBe('');
      expect(dropped).toContain('reasoning_effort');
      break;
  }
}
