import type { RateCard } from '@weir/contracts';
import { mapGivenToCandidate, GivenPriceBuilder, type ImportCandidate, type ImportOptions } from './candidate.js';
import { isExactObject, parseExactJson, parseScaled, type ExactJson } from './exact-json.js';

/** `prices/data.json` of github.com/pydantic/genai-prices: providers with models; USD per million tokens or per thousand requests. */
const FIELDS: Readonly<Record<string, { readonly bucket: keyof RateCard; readonly digits: number }>> = {
  input_mtok: { bucket: 'inputUncached', digits: 6 },
  output_mtok: { bucket: 'output', digits: 6 },
  cache_read_mtok: { bucket: 'inputCacheRead', digits: 6 },
  cache_write_mtok: { bucket: 'inputCacheWrite5m', digits: 6 },
  input_audio_mtok: { bucket: 'inputAudio', digits: 6 },
  output_audio_mtok: { bucket: 'outputAudio', digits: 6 },
  requests_kcount: { bucket: 'requests', digits: 9 },
};
const PROVIDERS: Readonly<Record<string, string>> = { aws: 'bedrock' };

/**
 * Reads genai-prices' list, as of the first day the prices are to hold.
 *
 * @throws SyntaxError where it is no JSON, RangeError where it is no such list.
 */
export function readGenaiPrices(options: ImportOptions): ImportCandidate[] {
  const list = parseExactJson(options.text);
  if (!Array.isArray(list)) throw new RangeError('genai-prices’ list is an array of providers');
  return (list as readonly ExactJson[]).flatMap((provider) => {
    if (!isExactObject(provider) || typeof provider['id'] !== 'string') throw new RangeError('a provider has no id');
    const owner = PROVIDERS[provider['id']] ?? provider['id'];
    const models = Array.isArray(provider['models']) ? (provider['models'] as readonly ExactJson[]) : [];
    return models.flatMap((model) => {
      if (!isExactObject(model) || typeof model['id'] !== 'string')
        throw new RangeError(`a model of ${owner} has no id`);
      return [
        mapGivenToCandidate(`${owner}/${model['id']}`.toLowerCase(), readModel(model['prices'], options.day), options),
      ];
    });
  });
}

function readModel(prices: ExactJson | undefined, day: string): GivenPriceBuilder {
  const given = new GivenPriceBuilder();
  for (const [field, value] of Object.entries(pricesOfDay(prices, day, given))) {
    const known = FIELDS[field];
    if (known === undefined) {
      given.notCarried.push(field);
      continue;
    }
    for (const { above, text } of ratesOf(value)) {
      if (!Number.isSafeInteger(above)) given.faults.push(`${field}: a band starts nowhere`);
      else given.add({ tier: 'standard', above, bucket: known.bucket, field }, () => parseScaled(text, known.digits));
    }
  }
  return given;
}

/** The prices of a day, where they are given by date; a price that depends on the hour is no price a version can hold. */
function pricesOfDay(
  prices: ExactJson | undefined,
  day: string,
  given: GivenPriceBuilder,
): Readonly<Record<string, ExactJson>> {
  if (isExactObject(prices)) return prices;
  let latest: { readonly from: string; readonly prices: Readonly<Record<string, ExactJson>> } | undefined;
  for (const entry of Array.isArray(prices) ? (prices as readonly ExactJson[]) : []) {
    if (!isExactObject(entry) || !isExactObject(entry['prices'])) continue;
    const from = dayOf(entry['constraint']);
    if (from === undefined)
      given.faults.push('it is priced by something else than dates: a version holds for whole days');
    else if (from <= day && (latest === undefined || from >= latest.from)) latest = { from, prices: entry['prices'] };
  }
  return latest?.prices ?? {};
}

/** First day of a constraint; empty where there is none, undefined where it is not about dates. */
function dayOf(constraint: ExactJson | undefined): string | undefined {
  if (constraint === undefined || constraint === null) return '';
  const start = isExactObject(constraint) ? constraint['start_date'] : undefined;
  return typeof start === 'string' ? start : undefined;
}

/** One rate, or a base and bands that start above so many tokens of input. */
function ratesOf(value: ExactJson): { above: number; text: string }[] {
  if (typeof value === 'string') return [{ above: 0, text: value }];
  if (!isExactObject(value) || typeof value['base'] !== 'string') return [{ above: 0, text: JSON.stringify(value) }];
  const tiers = Array.isArray(value['tiers']) ? (value['tiers'] as readonly ExactJson[]) : [];
  return [
    { above: 0, text: value['base'] },
    ...tiers.map((tier) => {
      const { start, price } = isExactObject(tier) ? tier : {};
      return {
        above: typeof start === 'string' ? Number(start) : Number.NaN,
        text: typeof price === 'string' ? price : JSON.stringify(price ?? null),
      };
    }),
  ];
}
