import { describe, expect, it } from '@jest/globals';
import { formatPico, parsePico, parseUsd, parseUsdPerMillion, picoToUsd, picoUsd } from './pico-usd.js';
import fc from 'fast-check';

const limit = 10n ** 38n - 1n;
const amounts = fc.bigInt({ min: -limit, max: limit });

describe('pico-USD', () => {
  it('comes back from the wire as it went', () => {
    fc.assert(fc.property(amounts, (amount) => parsePico(formatPico(picoUsd(amount))) === amount));
  });

  it('is written in USD with twelve decimals and read back without loss', () => {
    const within = fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n });
    fc.assert(
      fc.property(within, (amount) => {
        const text = picoToUsd(picoUsd(amount));
        expect(text).toMatch(/^-?\d+\.\d{12}$/);
        return parseUsd(text) === amount;
      }),
    );
  });

  it.each(['', ' 1', '1.0', '1e3', '+1', '0x1', '-', '1'.repeat(39), 'NaN'])('refuses %j from the wire', (text) => {
    expect(() => parsePico(text)).toThrow(RangeError);
  });

  it('refuses to write what no column holds', () => {
    expect(() => formatPico(picoUsd(limit + 1n))).toThrow(RangeError);
  });

  it.each([
    ['3', 3_000_000n],
    ['0.546875', 546_875n],
    ['0.000001', 1n],
    ['0', 0n],
    ['1.2500000', 1_250_000n],
  ])('reads %s USD per million tokens as %s pico-USD per token', (text, pico) => {
    expect(parseUsdPerMillion(text)).toBe(pico);
  });

  it.each(['0.0000001', '1e-6', '.5', '1.', '1,5', '--1'])('refuses %s as a price', (text) => {
    expect(() => parseUsdPerMillion(text)).toThrow(RangeError);
  });
});
