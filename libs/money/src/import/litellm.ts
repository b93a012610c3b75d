import type { RateCard, ServiceTier } from '@weir/contracts';
import { mapGivenToCandidate, GivenPriceBuilder, type ImportCandidate, type ImportOptions } from './candidate.js';
import { isExactObject, parseExactJson, parseScaled, type ExactJson } from './exact-json.js';

/** `model_prices_and_context_window.json` of github.com/BerriAI/litellm: one flat object a model, USD per token. */
const FIELDS: Readonly<Record<string, keyof RateCard>> = {
  input_cost_per_token: 'inputUncached',
  output_cost_per_token: 'output',
  output_cost_per_reasoning_token: 'reasoning',
  cache_read_input_token_cost: 'inputCacheRead',
  cache_creation_input_token_cost: 'inputCacheWrite5m',
  cache_creation_input_token_cost_above_1hr: 'inputCacheWrite1h',
  input_cost_per_audio_token: 'inputAudio',
  output_cost_per_audio_token: 'outputAudio',
  output_cost_per_image: 'images',
  input_cost_per_request: 'requests',
};
const TIERS: Readonly<Record<string, ServiceTier>> = { batches: 'batch', flex: 'flex', priority: 'priority' };
/** `<field>[_above_200k_tokens][_batches]`, lazily, so that `_above_1hr` stays with the field. */
const FIELD = /^([a-z0-9_]+?)(?:_above_(\d{1,5})k_tokens)?(?:_(batches|flex|priority))?$/;
/** Modes that answer with text for text; the others (embeddings, images, speech) have units of their own. */
const MODES = new Set(['chat', 'completion', 'responses']);
const PROVIDERS: Readonly<Record<string, string>> = {
  bedrock_converse: 'bedrock',
  dashscope: 'qwen',
  text_completion_openai: 'openai',
};
const PICO_DIGITS = 12;

/**
 * Reads LiteLLM's list. Models of other modes than text are left out.
 *
 * @throws SyntaxError where it is no JSON, RangeError where it is no such list.
 */
export function readLiteLlmPrices(options: ImportOptions): ImportCandidate[] {
  const list = parseExactJson(options.text);
  if (!isExactObject(list)) throw new RangeError('LiteLLM’s list is one object, a member for each model');
  return Object.entries(list).flatMap(([name, model]) => {
    if (!isExactObject(model) || typeof model['mode'] !== 'string' || !MODES.has(model['mode'])) return [];
    return [mapGivenToCandidate(nameOf(name, model['litellm_provider']), readModel(model), options)];
  });
}

function nameOf(name: string, provider: ExactJson | undefined): string {
  const given = typeof provider === 'string' ? provider : 'unknown';
  const owner = PROVIDERS[given] ?? given;
  const model = name.startsWith(`${given}/`) ? name.slice(given.length + 1) : name;
  return `${owner}/${model}`.toLowerCase();
}

function readModel(model: Readonly<Record<string, ExactJson>>): GivenPriceBuilder {
  const given = new GivenPriceBuilder();
  for (const [field, value] of Object.entries(model)) {
    if (!field.includes('cost') && !field.includes('pricing')) continue;
    if (value === null) continue;
    const [, base = '', band, suffix] = FIELD.exec(field) ?? [];
    const bucket = FIELDS[base];
    if (bucket === undefined || typeof value !== 'string') {
      given.notCarried.push(field);
      continue;
    }
    const tier = (suffix === undefined ? undefined : TIERS[suffix]) ?? 'standard';
    given.add({ tier, above: Number(band ?? 0) * 1_000, bucket, field }, () => parseScaled(value, PICO_DIGITS));
  }
  return given;
}
