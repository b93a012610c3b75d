import { USAGE_BUCKETS, type PriceRecord, type UsageBucket } from '@weir/contracts';
import { z } from 'zod';
import { formatPico, parseUsdPerMillion } from './pico-usd.js';
import { parseRates, type Rates } from './rating.js';

/** USD per million tokens as a decimal in a string: YAML would read a bare number as a float. */
const UsdPerMillion = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'a quoted decimal of USD per million tokens, at most six decimals');
const Day = z.iso.date();

/** One dated price. A bucket left out costs what its neighbour does: see {@link parsePriceBook}. */
const PriceEntry = z.strictObject({
  key: z.string().regex(/^[a-z0-9][a-z0-9.:_/-]*$/, 'lower-case letters, digits and . : _ / -'),
  validFrom: Day,
  input: UsdPerMillion,
  cacheRead: UsdPerMillion.optional(),
  cacheWrite5m: UsdPerMillion.optional(),
  cacheWrite1h: UsdPerMillion.optional(),
  output: UsdPerMillion,
  reasoning: UsdPerMillion.optional(),
  /** Where the figures come from, when not the file's source. */
  source: z.string().optional(),
  /** What is not certain about them. */
  note: z.string().optional(),
});

/** A price file: `source` and `checked` say where the figures were read, and when. */
export const PriceBookFile = z.strictObject({
  source: z.string(),
  checked: Day,
  prices: z.array(PriceEntry).min(1),
});

/** Every fault of a price file at once. */
export class PriceBookError extends Error {
  override readonly name = 'PriceBookError';
  constructor(
    readonly file: string,
    readonly faults: readonly string[],
  ) {
    super(`${file}: ${faults.join('; ')}`);
  }
}

/**
 * Reads a price file (already parsed from YAML) into immutable dated versions `<key>@<date>`. A bucket left out is priced as the
 * provider would bill it without such a rate: reads and writes of a cache as plain input, reasoning as output.
 *
 * @throws PriceBookError naming every fault: a wrong shape, a version given twice, rates that are not ordered
 * read ≤ input ≤ 5m ≤ 1h, or reasoning dearer than output (bounds rely on both).
 */
export function parsePriceBook(file: string, content: unknown): PriceRecord[] {
  const parsed = PriceBookFile.safeParse(content);
  if (!parsed.success) {
    throw new PriceBookError(
      file,
      parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`),
    );
  }
  const records = parsed.data.prices.map((entry) => mapEntryToRecord(entry, parsed.data));
  const faults = records.flatMap((record) => faultsOfPrice(record));
  const seen = new Set<string>();
  for (const { priceVersion } of records) {
    if (seen.has(priceVersion)) faults.push(`${priceVersion} is given twice`);
    seen.add(priceVersion);
  }
  if (faults.length > 0) throw new PriceBookError(file, faults);
  return records;
}

/** What is wrong with a price's rates; empty where nothing is. */
export function faultsOfPrice(record: PriceRecord): string[] {
  const rates = parseRates(record.rates);
  const ordered: readonly (readonly [UsageBucket, UsageBucket])[] = [
    ['inputCacheRead', 'inputUncached'],
    ['inputUncached', 'inputCacheWrite5m'],
    ['inputCacheWrite5m', 'inputCacheWrite1h'],
    ['reasoning', 'output'],
  ];
  return ordered
    .filter(([lower, upper]) => rates[lower] > rates[upper])
    .map(([lower, upper]) => `${record.priceVersion}: ${lower} is dearer than ${upper}`);
}

/** Whether two records state the same rates; their sources may differ. */
export function isSamePrice(first: PriceRecord, second: PriceRecord): boolean {
  const same = (bucket: UsageBucket, a: Rates, b: Rates): boolean => a[bucket] === b[bucket];
  const [a, b] = [parseRates(first.rates), parseRates(second.rates)];
  return (
    first.priceVersion === second.priceVersion &&
    first.validFrom === second.validFrom &&
    USAGE_BUCKETS.every((bucket) => same(bucket, a, b))
  );
}

function mapEntryToRecord(
  entry: z.infer<typeof PriceEntry>,
  file: Pick<z.infer<typeof PriceBookFile>, 'source' | 'checked'>,
): PriceRecord {
  const perToken = (usd: string) => formatPico(parseUsdPerMillion(usd));
  const write5m = entry.cacheWrite5m ?? entry.input;
  return {
    kind: 'price',
    priceVersion: `${entry.key}@${entry.validFrom}`,
    key: entry.key,
    validFrom: Date.parse(`${entry.validFrom}T00:00:00Z`),
    rates: {
      inputUncached: perToken(entry.input),
      inputCacheRead: perToken(entry.cacheRead ?? entry.input),
      inputCacheWrite5m: perToken(write5m),
      inputCacheWrite1h: perToken(entry.cacheWrite1h ?? write5m),
      output: perToken(entry.output),
      reasoning: perToken(entry.reasoning ?? entry.output),
    },
    source: `${entry.source ?? file.source} (checked ${file.checked})${entry.note === undefined ? '' : `; ${entry.note}`}`,
  };
}
