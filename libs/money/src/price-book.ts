import { ServiceTier, type PriceRecord, type RateCard, type TierPrice } from '@weir/contracts';
import { z } from 'zod';
import { formatPico, parseUsd, parseUsdPerMillion } from './pico-usd.js';
import { faultsOfPrice } from './price-gates.js';

/** USD per million tokens as a decimal in a string: YAML would read a bare number as a float. */
const UsdPerMillion = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'a quoted decimal of USD per million tokens, at most six decimals');
/** USD for one thing. */
const Usd = z.string().regex(/^\d{1,9}(\.\d{1,12})?$/, 'a quoted decimal of USD, at most twelve decimals');
const Day = z.iso.date();

const rateFields = {
  input: UsdPerMillion,
  cacheRead: UsdPerMillion.optional(),
  cacheWrite5m: UsdPerMillion.optional(),
  cacheWrite1h: UsdPerMillion.optional(),
  output: UsdPerMillion,
  reasoning: UsdPerMillion.optional(),
  inputAudio: UsdPerMillion.optional(),
  outputAudio: UsdPerMillion.optional(),
  /** USD for one picture made, and for one request. */
  image: Usd.optional(),
  request: Usd.optional(),
};
const BandEntry = z.strictObject({ aboveInputTokens: z.int().min(1), ...rateFields });
const tierFields = { ...rateFields, bands: z.array(BandEntry).optional() };
const TierEntry = z.strictObject(tierFields);

/** One dated price. A bucket left out costs what its neighbour does: see {@link parsePriceBook}. */
const PriceEntry = z.strictObject({
  key: z.string().regex(/^[a-z0-9][a-z0-9.:_/-]*$/, 'lower-case letters, digits and . : _ / -'),
  /** A deployment's region; without one the price holds wherever no region has its own. */
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'lower-case letters, digits and -')
    .optional(),
  validFrom: Day,
  ...tierFields,
  /** Rates of the tiers of service that are not `standard`. A tier left out has no price: what it serves is flagged. */
  tiers: z.partialRecord(ServiceTier.exclude(['standard']), TierEntry).optional(),
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
 * read ≤ input ≤ 5m ≤ 1h, reasoning dearer than output, or a band cheaper than the one below (bounds rely on all of them).
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

/** Name of a version: the same key, region and day are the same version for ever. */
export function priceVersionOf(key: string, region: string | null, day: string): string {
  return `${key}${region === null ? '' : `+${region}`}@${day}`;
}

function mapEntryToRecord(
  entry: z.infer<typeof PriceEntry>,
  file: Pick<z.infer<typeof PriceBookFile>, 'source' | 'checked'>,
): PriceRecord {
  const { key, validFrom, tiers } = entry;
  const region = entry.region ?? null;
  return {
    kind: 'price',
    priceVersion: priceVersionOf(key, region, validFrom),
    key,
    ...(region === null ? {} : { region }),
    validFrom: Date.parse(`${validFrom}T00:00:00Z`),
    ...mapEntryToTier(entry),
    ...(tiers === undefined
      ? {}
      : { tiers: Object.fromEntries(Object.entries(tiers).map(([tier, rates]) => [tier, mapEntryToTier(rates)])) }),
    source: `${entry.source ?? file.source} (checked ${file.checked})${entry.note === undefined ? '' : `; ${entry.note}`}`,
  };
}

function mapEntryToTier(entry: z.infer<typeof TierEntry>): TierPrice {
  const { bands } = entry;
  return {
    rates: mapEntryToCard(entry),
    ...(bands === undefined
      ? {}
      : {
          bands: bands.map((band) => ({ aboveInputTokens: band.aboveInputTokens, rates: mapEntryToCard(band) })),
        }),
  };
}

function mapEntryToCard(entry: Omit<z.infer<typeof TierEntry>, 'bands'>): RateCard {
  const write5m = entry.cacheWrite5m ?? entry.input;
  const perMillion = (usd: string): string => formatPico(parseUsdPerMillion(usd));
  const each = (usd: string): string => formatPico(parseUsd(usd));
  return {
    inputUncached: perMillion(entry.input),
    inputCacheRead: perMillion(entry.cacheRead ?? entry.input),
    inputCacheWrite5m: perMillion(write5m),
    inputCacheWrite1h: perMillion(entry.cacheWrite1h ?? write5m),
    output: perMillion(entry.output),
    reasoning: perMillion(entry.reasoning ?? entry.output),
    ...(entry.inputAudio === undefined ? {} : { inputAudio: perMillion(entry.inputAudio) }),
    ...(entry.outputAudio === undefined ? {} : { outputAudio: perMillion(entry.outputAudio) }),
    ...(entry.image === undefined ? {} : { images: each(entry.image) }),
    ...(entry.request === undefined ? {} : { requests: each(entry.request) }),
  };
}
