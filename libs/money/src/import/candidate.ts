import type { PriceRecord, RateCard, ServiceTier, TierPrice } from '@weir/contracts';
import { formatPico, picoUsd } from '../pico-usd.js';
import { faultsOfPrice, unitFaultsOf } from '../price-gates.js';
import { priceVersionOf } from '../price-book.js';

export interface ImportOptions {
  /** The list's text. */
  readonly text: string;
  /** First day the prices hold. */
  readonly day: string;
  /** Region the prices are for; null where they hold wherever no region has its own. */
  readonly region: string | null;
  /** Where the list is from. */
  readonly source: string;
  /** Keys of the price book by the list's `provider/model`; a model without an entry has that as its key. */
  readonly keys: Readonly<Record<string, string>>;
}

/** One model of a list. */
export interface ImportCandidate {
  /** `provider/model` as the list has it. */
  readonly name: string;
  readonly key: string;
  /** Undefined where the list's figures make no price. */
  readonly record: PriceRecord | undefined;
  readonly faults: readonly string[];
  /** What the list says of the model's price and a version cannot: nothing is dropped without a word. */
  readonly notCarried: readonly string[];
}

/** Rates as a list gives them: pico-USD each, and nothing where it has none. */
export type GivenRates = Partial<Record<keyof RateCard, bigint>>;

/** One tier of service as a list gives it, by the input a band is above; 0 is the base. */
export type GivenTier = ReadonlyMap<number, GivenRates>;

/** What a list was found to say of a model. */
export interface GivenPrice {
  readonly tiers: ReadonlyMap<ServiceTier, GivenTier>;
  readonly faults: readonly string[];
  readonly notCarried: readonly string[];
}

/** A version from what a list gives, with every fault of it: nothing with a fault may come into force. */
export function mapGivenToCandidate(name: string, given: GivenPrice, options: ImportOptions): ImportCandidate {
  const { day, region, source } = options;
  const key = options.keys[name] ?? name;
  const notCarried = [...given.notCarried];
  const standard = mapGivenToTier(given.tiers.get('standard'));
  if (standard === undefined) {
    const faults = [...given.faults, 'it has no price of input, or none of output'];
    return { name, key, record: undefined, faults, notCarried };
  }
  const tiers: Partial<Record<ServiceTier, TierPrice>> = {};
  for (const [tier, rates] of given.tiers) {
    if (tier === 'standard') continue;
    const mapped = mapGivenToTier(rates);
    if (mapped === undefined) notCarried.push(`tier ${tier}: it has no price of input, or none of output`);
    else tiers[tier] = mapped;
  }
  const record: PriceRecord = {
    kind: 'price',
    priceVersion: priceVersionOf(key, region, day),
    key,
    ...(region === null ? {} : { region }),
    validFrom: Date.parse(`${day}T00:00:00Z`),
    ...standard,
    ...(Object.keys(tiers).length === 0 ? {} : { tiers }),
    source: `${source}, ${name}`,
  };
  return {
    name,
    key,
    record,
    faults: [...given.faults, ...unitFaultsOf(record), ...faultsOfPrice(record)],
    notCarried,
  };
}

function mapGivenToTier(given: GivenTier | undefined): TierPrice | undefined {
  const base = given?.get(0);
  const rates = mapGivenToCard(base);
  if (given === undefined || rates === undefined) return undefined;
  const bands = [...given.keys()]
    .filter((above) => above > 0)
    .sort((a, b) => a - b)
    .flatMap((above) => {
      // What a band does not name stays as it is below it.
      const card = mapGivenToCard({ ...base, ...given.get(above) });
      return card === undefined ? [] : [{ aboveInputTokens: above, rates: card }];
    });
  return { rates, ...(bands.length === 0 ? {} : { bands }) };
}

function mapGivenToCard(given: GivenRates | undefined): RateCard | undefined {
  if (given?.inputUncached === undefined || given.output === undefined) return undefined;
  const input = given.inputUncached;
  const write5m = given.inputCacheWrite5m ?? input;
  const text = (rate: bigint): string => formatPico(picoUsd(rate));
  const { inputAudio, outputAudio, images, requests } = given;
  return {
    inputUncached: text(input),
    inputCacheRead: text(given.inputCacheRead ?? input),
    inputCacheWrite5m: text(write5m),
    inputCacheWrite1h: text(given.inputCacheWrite1h ?? write5m),
    output: text(given.output),
    reasoning: text(given.reasoning ?? given.output),
    ...(inputAudio === undefined ? {} : { inputAudio: text(inputAudio) }),
    ...(outputAudio === undefined ? {} : { outputAudio: text(outputAudio) }),
    ...(images === undefined ? {} : { images: text(images) }),
    ...(requests === undefined ? {} : { requests: text(requests) }),
  };
}

/** Gathers what a list says of one model. */
export class GivenPriceBuilder implements GivenPrice {
  readonly tiers = new Map<ServiceTier, Map<number, GivenRates>>();
  readonly faults: string[] = [];
  readonly notCarried: string[] = [];

  /** Notes a rate; what is no exact amount is a fault under the field's name. */
  add(place: { tier: ServiceTier; above: number; bucket: keyof RateCard; field: string }, read: () => bigint): void {
    try {
      const tier = this.tiers.get(place.tier) ?? new Map<number, GivenRates>();
      tier.set(place.above, { ...tier.get(place.above), [place.bucket]: read() });
      this.tiers.set(place.tier, tier);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.faults.push(`${place.field}: ${error.message}`);
    }
  }
}
