import { describe, expect, it } from '@jest/globals';
import { EMPTY_USAGE } from '@weir/money';
import { AnswerMeter, estimateUsage } from './answer-estimate.js';

const frame = (text: string) => Buffer.from(`data: {"choices":[{"delta":{"content":${JSON.stringify(text)}}}]}\n\n`);

describe('AnswerMeter', () => {
  it('counts a whole answer by its bytes', () => {
    const meter = new AnswerMeter(false);
    meter.push(Buffer.alloc(300));
    meter.push(Buffer.alloc(101));
    expect(meter.tokens).toBe(101);
  });

  it('leaves the framing of a stream out, and counts each frame as a token at least', () => {
    const short = new AnswerMeter(true);
    for (let i = 0; i < 10; i++) short.push(frame('a'));
    expect(short.tokens).toBe(10);
    const long = new AnswerMeter(true);
    long.push(frame(''));
    for (let i = 0; i < 10; i++) long.push(frame('x'.repeat(400)));
    expect(long.tokens).toBeGreaterThanOrEqual(990);
    expect(long.tokens).toBeLessThan(1_100);
  });

  it('counts the same wherever the chunks are cut between frames', () => {
    const stream = Buffer.concat(Array.from({ length: 20 }, (_, i) => frame(`piece ${i}`)));
    const whole = new AnswerMeter(true);
    whole.push(stream);
    const cut = new AnswerMeter(true);
    const half = stream.indexOf('data:', stream.length / 2);
    cut.push(stream.subarray(0, half));
    cut.push(stream.subarray(half));
    expect(cut.tokens).toBe(whole.tokens);
  });
});

describe('estimateUsage', () => {
  it('never exceeds the bound', () => {
    const bound = { ...EMPTY_USAGE, inputUncached: 10, output: 5 };
    expect(estimateUsage(1_000_000, 1_000, bound)).toEqual(bound);
  });

  it('estimates four bytes a token', () => {
    const bound = { ...EMPTY_USAGE, inputCacheWrite1h: 1_000, output: 1_000 };
    expect(estimateUsage(400, 20, bound)).toEqual({ ...EMPTY_USAGE, inputUncached: 100, output: 20 });
  });
});
