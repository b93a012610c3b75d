import { describe, expect, it } from '@jest/globals';
import { collectText, planAnswer, type Answer } from './answer.js';
import { answerPieces, OutputMeter } from './answer-pieces.js';
import type { ModelRequest, Part, Turn } from './conversation.js';
import { checkConversation } from './conversation-rules.js';
import { parseDirective } from './directive.js';
import { lastUserText } from './conversation.js';
import { getModel } from './models.js';
import { seedOf, segmentPrompt } from './prompt-segments.js';

const model = getModel('sim-openai', 'openai-chat');
const weather = { name: 'get_weather', description: '', schema: { properties: { city: { const: 'Lyon' } } } };
const clock = { name: 'get_time', description: '', schema: {} };

function user(...parts: (string | Part)[]): Turn {
  return {
    role: 'user',
    parts: parts.map((part) => (typeof part === 'string' ? { kind: 'text', text: part } : part)),
  };
}

function requestOf(turns: readonly Turn[], changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model,
    format: 'openai-chat',
    stream: false,
    turns,
    tools: [],
    toolChoice: { mode: 'auto' },
    parallelTools: true,
    answerSchema: undefined,
    wantsReasoning: false,
    maxOutputTokens: undefined,
    stopSequences: [],
    ...changes,
  };
}

function answerTo(turns: readonly Turn[], changes: Partial<ModelRequest> = {}): Answer {
  const request = requestOf(turns, changes);
  const directive = parseDirective(lastUserText(turns), model.name);
  return planAnswer(request, directive, seedOf(model.name, segmentPrompt(request)));
}

const call: Part = { kind: 'tool-call', id: '1', name: 'get_weather', arguments: '{}' };
const calling: Turn = { role: 'assistant', parts: [call] };
const result: Part = { kind: 'tool-result', callId: '1', text: '21 °C', isError: false };

describe('planAnswer', () => {
  it('depends on the request and on nothing else', () => {
    expect(collectText(answerTo([user('a')]).text)).toBe(collectText(answerTo([user('a')]).text));
    expect(answerTo([user('a')]).seed).not.toBe(answerTo([user('b')]).seed);
  });

  it.each([
    ['it is told to by name', 'Please use get_weather for Lyon', ['get_weather']],
    ['it is told to in Chinese', '请使用 get_time 工具', ['get_time']],
    ['it is told to use a tool', 'Call a suitable tool, please', ['get_weather']],
    ['both are named', 'use get_weather and get_time', ['get_weather', 'get_time']],
    ['only a longer word is named', 'use get_weather_forecast', []],
    ['nobody asks', 'What a day', []],
  ])('chooses tools where %s', (_, prompt, names) => {
    const answer = answerTo([user(prompt)], { tools: [weather, clock] });
    expect(answer.toolCalls.map((each) => each.name)).toEqual(names);
  });

  it('does as tool choice demands, with arguments that fit the schema', () => {
    const tools = [weather, clock];
    const calls = (toolChoice: ModelRequest['toolChoice']) => answerTo([user('hm')], { tools, toolChoice }).toolCalls;
    expect(calls({ mode: 'required' })).toMatchObject([{ name: 'get_weather', arguments: '{"city":"Lyon"}' }]);
    expect(calls({ mode: 'named', name: 'get_time' })).toMatchObject([{ name: 'get_time', arguments: '{}' }]);
    const forbidden = { tools, toolChoice: { mode: 'none' } as const };
    expect(answerTo([user('[[sim tool=get_time]]')], forbidden).toolCalls).toEqual([]);
  });

  it('calls no tool that was not offered', () => {
    expect(answerTo([user('[[sim tool=other]]')], { tools: [clock] }).toolCalls).toEqual([]);
  });

  it('quotes tool results instead of calling again', () => {
    const turns = [user('[[sim tool=get_weather]]'), calling, user(result)];
    const answer = answerTo(turns, { tools: [weather], toolChoice: { mode: 'required' } });
    expect(answer.toolCalls).toEqual([]);
    expect(collectText(answer.text)).toBe('The tool get_weather returned: 21 °C');
  });

  it('stops at max tokens, wherever it is', () => {
    const limited = (maxOutputTokens: number) =>
      answerTo([user(`[[sim reasoning=10 text=${'x'.repeat(80)} tool=get_weather]]`)], {
        maxOutputTokens,
        tools: [weather],
      });
    expect(limited(5)).toMatchObject({ finish: 'length', tokens: { reasoning: 5, output: 0 }, toolCalls: [] });
    expect(limited(15)).toMatchObject({ finish: 'length', tokens: { reasoning: 10, output: 5 } });
    expect(limited(1000)).toMatchObject({ finish: 'tool-calls', tokens: { reasoning: 10, output: 20 + 7 } });
  });

  it('ends before a stop sequence', () => {
    const answer = answerTo([user('[[sim text="one two three"]]')], { stopSequences: ['three', 'two'] });
    expect(answer).toMatchObject({ finish: 'stop-sequence', stopSequence: 'two' });
    expect(collectText(answer.text)).toBe('one ');
  });

  it('has more chunks than the failure it is to be cut by', () => {
    const answer = answerTo([user('[[sim fail=reset@50 text="short"]]')]);
    expect(Array.from(answer.text?.pieces() ?? [])).toHaveLength(5);
    expect(Array.from(answerTo([user('[[sim fail=reset@50]]')]).text?.pieces() ?? [])).toHaveLength(60);
  });

  it('is metered to the same counts it announces', () => {
    const answer = answerTo([user('[[sim reasoning=7 text="hé" tool=get_weather tool=get_time]]')], {
      tools: [weather, clock],
    });
    const meter = new OutputMeter();
    for (const piece of answerPieces(answer)) meter.add(piece);
    expect({ output: meter.output, reasoning: meter.reasoning }).toEqual(answer.tokens);
  });
});

describe('checkConversation', () => {
  const check =
    (turns: readonly Turn[], changes: Partial<ModelRequest> = {}) =>
    () =>
      checkConversation(requestOf(turns, changes));

  it('accepts calls that are answered', () => {
    expect(check([user('a'), calling, user(result)])).not.toThrow();
  });

  it.each([
    ['a call without a result', [user('a'), calling, user('b')]],
    ['a call at the end', [user('a'), calling]],
    ['a result without a call', [user(result)]],
    ['nothing', []],
  ])('refuses %s', (_, turns) => {
    expect(check(turns)).toThrow();
  });

  it('refuses a choice of tools that are not there', () => {
    expect(check([user('a')], { toolChoice: { mode: 'required' } })).toThrow();
    expect(check([user('a')], { tools: [clock], toolChoice: { mode: 'named', name: 'x' } })).toThrow();
  });
});
