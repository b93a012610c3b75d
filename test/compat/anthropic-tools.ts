import { it } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { expect } from 'expect';
import { anthropicClient, ask, askStreamed, textOf, usageOf, type Case } from './anthropic-client.js';
import { CITY, CLOCK_SCHEMA, USE_BOTH_TOOLS, WEATHER_SCHEMA } from './sample-content.js';

const TOOLS: Anthropic.Tool[] = [
  {
    name: 'get_weather',
    description: 'The weather of a city.',
    input_schema: WEATHER_SCHEMA as Anthropic.Tool.InputSchema,
  },
  { name: 'get_time', description: 'The time in a zone.', input_schema: CLOCK_SCHEMA as Anthropic.Tool.InputSchema },
];

const QUESTION: Anthropic.MessageParam = { role: 'user', content: USE_BOTH_TOOLS };

function callsOf(answer: Anthropic.Message): Anthropic.ToolUseBlock[] {
  return answer.content.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
}

function namesOf(answer: Anthropic.Message): string[] {
  return callsOf(answer).map((call) => call.name);
}

function expectBothCalled(answer: Anthropic.Message): void {
  expect(answer.stop_reason).toBe('tool_use');
  expect(namesOf(answer)).toEqual(['get_weather', 'get_time']);
  expect(callsOf(answer).map((call) => call.input)).toEqual([{ city: CITY }, { zone: 'CET' }]);
  expect(new Set(callsOf(answer).map((call) => call.id)).size).toBe(2);
}

function withResults(answer: Anthropic.Message): Anthropic.MessageParam[] {
  const [weather, clock] = callsOf(answer);
  return [
    QUESTION,
    { role: 'assistant', content: answer.content },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: weather?.id ?? '', content: [{ type: 'text', text: '18 degrees' }] },
        { type: 'tool_result', tool_use_id: clock?.id ?? '', content: 'no clock here', is_error: true },
      ],
    },
  ];
}

/** Tools: calls that belong together. */
export function describeAnthropicTools(asked: Case): void {
  const { model, version, stack } = asked;

  it("runs both tools with the SDK's own runner, and quotes their results", async () => {
    const given: unknown[] = [];
    const tools = [
      { name: 'get_weather', inputSchema: WEATHER_SCHEMA },
      { name: 'get_time', inputSchema: CLOCK_SCHEMA },
    ].map(({ name, inputSchema }) =>
      betaTool({
        name,
        inputSchema: inputSchema as { type: 'object' },
        description: name,
        run: (input) => {
          given.push(input);
          return `result of ${name}`;
        },
      }),
    );
    const runner = anthropicClient(stack(), version).beta.messages.toolRunner({
      model: model.name,
      max_tokens: 4_000,
      messages: [{ role: 'user', content: USE_BOTH_TOOLS }],
      tools,
    });
    const final = await runner;
    expect(given).toEqual([{ city: CITY }, { zone: 'CET' }]);
    const text = final.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
    expect(text).toContain('The tool get_weather returned: result of get_weather');
    expect(text).toContain('The tool get_time returned: result of get_time');
  });

  it('streams the arguments of parallel calls in pieces, and takes their results as a stream', async () => {
    const { answer, events } = await askStreamed(asked, { messages: [QUESTION], tools: TOOLS });
    expectBothCalled(answer);
    const pieces = events.filter(
      (event) => event.type === 'content_block_delta' && event.delta.type === 'input_json_delta',
    );
    expect(pieces.length).toBeGreaterThan(2);
    const starts = events.flatMap((event) => (event.type === 'content_block_start' ? [event.index] : []));
    expect(starts).toEqual(starts.map((_, index) => index));
    const second = await askStreamed(asked, { messages: withResults(answer), tools: TOOLS });
    expect(textOf(second.answer)).toContain('The tool get_weather returned: 18 degrees');
    // Chat has no word for a tool that failed.
    const verb = model.upstream === 'chat' ? 'returned' : 'failed with';
    expect(textOf(second.answer)).toContain(`The tool get_time ${verb}: no clock here`);
    expect(second.headers.get('x-weir-dropped')?.includes('tool_result.is_error') ?? false).toBe(
      model.upstream === 'chat',
    );
    expect(second.answer.stop_reason).toBe('end_turn');
  });

  it('calls the tool it must, none when it may not, and one at a time when told so', async () => {
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'hello' }];
    const required = await ask(asked, { messages, tools: TOOLS, tool_choice: { type: 'any' } });
    expect(namesOf(required.answer)).toEqual(['get_weather']);
    const named = await ask(asked, { messages, tools: TOOLS, tool_choice: { type: 'tool', name: 'get_time' } });
    expect(namesOf(named.answer)).toEqual(['get_time']);
    const none = await ask(asked, { messages, tools: TOOLS, tool_choice: { type: 'none' } });
    expect(namesOf(none.answer)).toEqual([]);
    expect(none.answer.stop_reason).toBe('end_turn');
    if (model.name === 'sim-bedrock-nova') return;
    const sequential = { type: 'auto' as const, disable_parallel_tool_use: true };
    const single = await ask(asked, { messages: [QUESTION], tools: TOOLS, tool_choice: sequential });
    expect(namesOf(single.answer)).toEqual(['get_weather']);
  });
}

/** Thinking, alone and before tools. */
export function describeAnthropicThinking(asked: Case): void {
  const { model, version } = asked;
  const thinking =
    version === '2023-06-01' ? { type: 'enabled' as const, budget_tokens: 1_024 } : { type: 'adaptive' as const };

  it(`thinks when asked to: ${model.reasoning.anthropic}`, async () => {
    const request = { messages: [{ role: 'user' as const, content: 'think about it' }], thinking };
    const { answer, headers } = await ask(asked, request);
    const streamed = await askStreamed(asked, request);
    expectThinking(asked, answer, headers);
    expect(streamed.answer.content).toEqual(answer.content);
    expect(usageOf(streamed.answer.usage)).toEqual(usageOf(answer.usage));
    const tokens = answer.usage.output_tokens_details?.thinking_tokens ?? 0;
    expect(tokens > 0).toBe(model.reasoning.anthropic !== 'dropped' && model.countsReasoning.anthropic);
  });

  it('goes on after its tools with the thinking that came before them', async () => {
    const request = { messages: [QUESTION], tools: TOOLS, thinking };
    const first = await askStreamed(asked, request);
    expectBothCalled(first.answer);
    const second = await ask(asked, { ...request, messages: withResults(first.answer) });
    expect(textOf(second.answer)).toContain('The tool get_weather returned: 18 degrees');
    if (model.reasoning.anthropic !== 'signed') return;
    expectThinking(asked, first.answer, first.headers);
    // A signature that was not given is refused, so the one above has come back unchanged.
    const forged = first.answer.content.map((block) =>
      block.type === 'thinking' ? { ...block, thinking: 'something else' } : block,
    );
    const answer = { ...first.answer, content: forged };
    const refused = ask(asked, { ...request, messages: withResults(answer) });
    await expect(refused).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' });
  });
}

function expectThinking({ model }: Case, answer: Anthropic.Message, headers: Headers): void {
  const [block] = answer.content;
  switch (model.reasoning.anthropic) {
    case 'signed':
      expect(block).toMatchObject({ type: 'thinking', thinking: expect.stringMatching(/^All work/) });
      expect(block?.type === 'thinking' && block.signature).toMatch(/^[A-Za-z0-9+/=]{20,}$/);
      break;
    case 'plain':
      // Nothing is ever signed by Weir.
      expect(block).toMatchObject({
        type: 'thinking',
        thinking: expect.stringMatching(/^All work/),
        signature: '',
      });
      break;
    case 'counted':
    case 'dropped':
      expect(block?.type).toBe('text');
      expect(headers.get('x-weir-dropped')).toContain('reasoning_effort');
      break;
  }
}
