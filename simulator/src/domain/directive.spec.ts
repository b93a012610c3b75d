import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { noDirective, parseDirective, withoutDirectives } from './directive.js';
import { DirectiveSyntaxError } from './directive-scanner.js';

const parse = (text: string) => parseDirective(text, 'sim-openai');

describe('parseDirective', () => {
  it('is neutral where there is none', () => {
    expect(parse('hello')).toEqual(noDirective);
    expect(parse('[[simulate this]]')).toEqual(noDirective);
    expect(parse('[[sim]]')).toEqual(noDirective);
  });

  it('reads every option', () => {
    const text =
      'go [[sim chunks=200 delayMs=5 ttftMs=300 fail=429 failTimes=2 retryAfter=7 usage=late bytes=64 reasoning=50 only=sim-openai]]';
    expect(parse(text)).toEqual({
      ...noDirective,
      chunks: 200,
      delayMs: 5,
      ttftMs: 300,
      fail: { kind: 'status', status: 429 },
      failTimes: 2,
      retryAfterSeconds: 7,
      usage: 'late',
      bytes: 64,
      reasoningTokens: 50,
      only: 'sim-openai',
    });
  });

  it.each([
    ['reset', { kind: 'reset', afterChunks: undefined }],
    ['reset@10', { kind: 'reset', afterChunks: 10 }],
    ['stall@0', { kind: 'stall', afterChunks: 0 }],
    ['malformed@3', { kind: 'malformed', afterChunks: 3 }],
    ['error', { kind: 'error', afterChunks: 0 }],
    ['200-then-reset', { kind: 'reset', afterChunks: 0 }],
    ['529', { kind: 'status', status: 529 }],
  ])('reads fail=%s', (value, failure) => {
    expect(parse(`[[sim fail=${value}]]`).fail).toEqual(failure);
  });

  it('keeps spaces, brackets and quotes of JSON arguments and quoted text', () => {
    const args = { city: 'São ]] Paulo', list: [[1, 2], [3]], quote: 'a "b" \\ {c}' };
    const directive = parse(
      `x [[sim tool=one args=${JSON.stringify(args, null, 1)} tool=two text="say ]] \\"hi\\""]] y`,
    );
    expect(directive.tools).toEqual([
      { name: 'one', arguments: args },
      { name: 'two', arguments: undefined },
    ]);
    expect(directive.text).toBe('say ]] "hi"');
  });

  it('takes the first directive that is not for another model', () => {
    const text = '[[sim fail=500 only=sim-anthropic]] [[sim text=mine]] [[sim text=later]]';
    expect(parse(text).text).toBe('mine');
    expect(parseDirective(text, 'sim-anthropic').fail).toEqual({ kind: 'status', status: 500 });
  });

  it.each([
    '[[sim chunks=x]]',
    '[[sim chunks=-1]]',
    '[[sim unknown=1]]',
    '[[sim constructor=1]]',
    '[[sim fail=418]]',
    '[[sim fail=stall@]]',
    '[[sim usage=some]]',
    '[[sim args={}]]',
    '[[sim tool=a args=[1]]]',
    '[[sim tool=a args={"b"}]]',
    '[[sim text="open]]',
    '[[sim chunks=1',
    '[[sim chunks]]',
  ])('refuses %s', (text) => {
    expect(() => parse(text)).toThrow(DirectiveSyntaxError);
  });

  it('returns what JSON went in, for any arguments and text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (input, text) => {
        const directive = parse(`[[sim tool=t args=${JSON.stringify(input)} text=${JSON.stringify(text)}]]`);
        expect(JSON.stringify(directive.tools[0]?.arguments)).toBe(JSON.stringify(JSON.parse(JSON.stringify(input))));
        expect(directive.text).toBe(text);
      }),
    );
  });
});

describe('withoutDirectives', () => {
  it('leaves the words of the prompt', () => {
    expect(withoutDirectives('before [[sim text="]]"]]after [[sim]] ')).toBe('before after');
  });
});
