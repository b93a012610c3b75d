import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OutputMeter } from './answer-pieces.js';
import { collectText } from './answer.js';
import { fillerText, literalText, numberedText } from './text-source.js';
import { countTokensOfText } from './tokens.js';

describe('countTokensOfText', () => {
  it('takes four UTF-8 bytes for a token, rounded up', () => {
    expect(['', 'a', 'abcd', 'abcde', '堰堰'].map(countTokensOfText)).toEqual([0, 1, 1, 2, 2]);
  });
});

describe('text sources', () => {
  it('lose nothing of a text, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, chunks) => {
        const source = literalText(text, chunks);
        expect(collectText(source)).toBe(text);
        expect(source.bytes).toBe(Buffer.byteLength(text));
        expect(Array.from(source.pieces())).toHaveLength(Math.min(chunks, Array.from(text).length));
        expect(collectText(literalText(text))).toBe(text);
      }),
    );
  });

  it('cut at a character boundary, and say how many bytes are left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(60), (text, limit) => {
        const cut = literalText(text).truncated(limit);
        expect(text.startsWith(collectText(cut))).toBe(true);
        expect(cut.bytes).toBe(Buffer.byteLength(collectText(cut)));
        expect(cut.bytes).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('number each chunk, one token each', () => {
    expect(Array.from(numberedText(3).pieces())).toEqual(['000 ', '001 ', '002 ']);
    expect(numberedText(200).bytes).toBe(800);
  });

  it.each([
    [10, undefined],
    [100_000, undefined],
    [100_001, 7],
    [300_000, 2],
    [5, 10],
  ])('make %s bytes of filler in %s chunks', (bytes, chunks) => {
    const source = fillerText(bytes, chunks);
    expect(Buffer.byteLength(collectText(source))).toBe(bytes);
    if (chunks !== undefined) expect(Array.from(source.pieces())).toHaveLength(Math.min(chunks, bytes));
  });
});

describe('OutputMeter', () => {
  it('counts by block, so that the split into chunks makes no difference', () => {
    const meter = new OutputMeter();
    meter.add({ kind: 'reasoning', text: 'ab' });
    meter.add({ kind: 'reasoning', text: 'cde' });
    meter.add({ kind: 'signature', signature: 'is free' });
    meter.add({ kind: 'text', text: 'a' });
    meter.add({ kind: 'text', text: 'b' });
    meter.add({ kind: 'tool-start', index: 0, id: 'x', name: 'tool' });
    meter.add({ kind: 'tool-arguments', index: 0, text: '{' });
    meter.add({ kind: 'tool-arguments', index: 0, text: '}' });
    expect({ reasoning: meter.reasoning, output: meter.output }).toEqual({ reasoning: 2, output: 1 + 2 });
  });
});
