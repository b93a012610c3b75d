import type { PicoUsdString } from '@weir/contracts';

declare const brand: unique symbol;

/** An amount in pico-USD (10⁻¹² USD). Integer arithmetic only: a float never holds money. */
export type PicoUsd = bigint & { readonly [brand]: 'PicoUsd' };

const PICO_DIGITS = 12;
const PICO_PER_USD = 10n ** BigInt(PICO_DIGITS);
/** What `Decimal(38,12)` and `numeric(38,0)` hold. */
const DIGITS_MAX = 38;
const WIRE = /^-?\d{1,38}$/;

export const ZERO_PICO = 0n as PicoUsd;

/** Brands an integer number of pico-USD. */
export function picoUsd(amount: bigint): PicoUsd {
  return amount as PicoUsd;
}

/**
 * Reads an amount from the wire: a decimal integer in a string.
 *
 * @throws RangeError where the text is anything else, or has more than 38 digits.
 */
export function parsePico(text: string): PicoUsd {
  if (!WIRE.test(text)) throw new RangeError(`not an integer string of pico-USD: ${JSON.stringify(text.slice(0, 60))}`);
  return BigInt(text) as PicoUsd;
}

/**
 * The amount as it crosses the wire.
 *
 * @throws RangeError above 38 digits, which no column holds.
 */
export function formatPico(amount: PicoUsd): PicoUsdString {
  const text = amount.toString();
  if (text.length - (amount < 0n ? 1 : 0) > DIGITS_MAX) throw new RangeError('the amount has more than 38 digits');
  return text;
}

/** The amount in USD with exactly twelve decimals (`1.500000000000`), as `Decimal(38,12)` reads it without loss. */
export function picoToUsd(amount: PicoUsd): string {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-unary-minus -- a PicoUsd is a bigint; the rule does not see through the brand
  const magnitude = amount < 0n ? -amount : amount;
  const whole = magnitude / PICO_PER_USD;
  const fraction = (magnitude % PICO_PER_USD).toString().padStart(PICO_DIGITS, '0');
  return `${amount < 0n ? '-' : ''}${whole}.${fraction}`;
}

/**
 * Reads a decimal number of USD (`0.25`, `-3`), exactly.
 *
 * @throws RangeError where the text is no plain decimal number (no exponent, no sign but minus) or is finer than a pico-USD.
 */
export function parseUsd(text: string): PicoUsd {
  return scaleDecimal(text, PICO_DIGITS);
}

/**
 * Reads a price list's figure, USD per million tokens, as pico-USD per token: `3` is 3,000,000.
 *
 * @throws RangeError as {@link parseUsd}, and where the price of one token is finer than a pico-USD.
 */
export function parseUsdPerMillion(text: string): PicoUsd {
  return scaleDecimal(text, PICO_DIGITS - 6);
}

/** Sum of amounts. */
export function addPico(...amounts: readonly PicoUsd[]): PicoUsd {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum as PicoUsd;
}

function scaleDecimal(text: string, digits: number): PicoUsd {
  const match = /^(-?)(\d{1,26})(?:\.(\d{1,30}))?$/.exec(text);
  if (!match) throw new RangeError(`not a decimal number: ${JSON.stringify(text.slice(0, 60))}`);
  const [, sign, whole = '', fraction = ''] = match;
  const kept = fraction.slice(0, digits).padEnd(digits, '0');
  if (/[1-9]/.test(fraction.slice(digits))) throw new RangeError(`finer than a pico-USD: ${text}`);
  const magnitude = BigInt(whole + kept);
  return (sign === '-' ? -magnitude : magnitude) as PicoUsd;
}
