/** JSON whose numbers are the text they were written with. */
export type ExactJson = string | boolean | null | readonly ExactJson[] | { readonly [name: string]: ExactJson };

/** A string, or a number outside of one. A string is matched first, so digits inside it are left alone. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Parses JSON without ever making a float of a number: `5.46875e-07` stays these characters. (`JSON.parse` with a reviver that sees the
 * source would do, but Node 20 has none.)
 *
 * @throws SyntaxError where the text is no JSON.
 */
export function parseExactJson(text: string): ExactJson {
  // Checked as it is, since quoting would make some wrong numbers right (`01`).
  JSON.parse(text);
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`)),
  ) as ExactJson;
}

export function isExactObject(value: ExactJson | undefined): value is Readonly<Record<string, ExactJson>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const DECIMAL = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * Reads a decimal, with or without an exponent, as an integer number of 10^-`digits`, exactly.
 *
 * @throws RangeError where it is no decimal, is negative, or is finer than that.
 */
export function parseScaled(text: string, digits: number): bigint {
  const match = DECIMAL.exec(text);
  if (!match) throw new RangeError(`not a decimal number: ${JSON.stringify(text.slice(0, 60))}`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const mantissa = BigInt(whole + fraction);
  if (sign === '-' && mantissa !== 0n) throw new RangeError(`negative: ${text}`);
  const shift = digits - fraction.length + Number(exponent);
  if (shift >= 0) return mantissa * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  if (mantissa % divisor !== 0n) throw new RangeError(`finer than a pico-USD: ${text}`);
  return mantissa / divisor;
}
