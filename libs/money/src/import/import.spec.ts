import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ImportCandidate, ImportOptions } from './candidate.js';
import { parseExactJson, parseScaled } from './exact-json.js';
import { readGenaiPrices } from './genai-prices.js';
import { readLiteLlmPrices } from './litellm.js';

const options = (text: string): ImportOptions => ({
  text,
  day: '2026-12-01',
  region: null,
  source: 'a list',
  keys: { 'anthropic/claude-sonnet-4-5': 'anthropic/claude-sonnet-4-5' },
});
const litellm = (model: string, name = 'm'): ImportCandidate =>
  readLiteLlmPrices(options(`{"${name}": {"litellm_provider": "x", "mode": "chat", ${model}}}`))[0] as ImportCandidate;
const genai = (prices: string): ImportCandidate =>
  readGenaiPrices(options(`[{"id": "x", "models": [{"id": "m", "prices": ${prices}}]}]`))[0] as ImportCandidate;

describe('exact JSON', () => {
  it('keeps every number as it was written, and leaves strings alone', () => {
    const text =
      '{"a": 5.46875e-07, "b": [0.18000000000000002, -1E+3], "c 1.50": "2.50 \\" 3.0", "d": null, "e": true}';
    expect(parseExactJson(text)).toEqual({
      a: '5.46875e-07',
      b: ['0.18000000000000002', '-1E+3'],
      'c 1.50': '2.50 " 3.0',
      d: null,
      e: true,
    });
    for (const wrong of ['{"a": 01}', '{"a": 1.}', '{', '']) expect(() => parseExactJson(wrong)).toThrow(SyntaxError);
  });

  it('reads what JSON.parse reads, whatever it is', () => {
    const quoted = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value), (_name, part: unknown) =>
        typeof part === 'number' ? JSON.stringify(part) : part,
      );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(parseExactJson(JSON.stringify(value))).toEqual(quoted(value))),
    );
  });

  it('scales decimals exactly, with and without exponents', () => {
    expect(parseScaled('5.46875e-07', 12)).toBe(546_875n);
    expect(parseScaled('0.000003', 12)).toBe(3_000_000n);
    expect(parseScaled('3e-06', 12)).toBe(3_000_000n);
    expect(parseScaled('1.25E+0', 6)).toBe(1_250_000n);
    for (const wrong of ['0.18000000000000002', '-1', 'NaN', '', '1e9999', '0x1']) {
      expect(() => parseScaled(wrong, 6)).toThrow(RangeError);
    }
  });
});

describe('LiteLLM’s list', () => {
  it('becomes exact rates, with caches, context bands and tiers of service', () => {
    const { record, faults, notCarried } = litellm(`
      "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
      "cache_read_input_token_cost": 3e-07, "cache_creation_input_token_cost": 3.75e-06,
      "cache_creation_input_token_cost_above_1hr": 6e-06,
      "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05,
      "cache_creation_input_token_cost_above_200k_tokens": 7.5e-06,
      "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05,
      "input_cost_per_token_batches": 1.5e-06, "output_cost_per_token_batches": 7.5e-06,
      "input_cost_per_token_flex": 1.5e-06,
      "search_context_cost_per_query": {"search_context_size_low": 0.01}, "max_tokens": 8192`);
    expect(faults).toEqual([]);
    expect(record).toMatchObject({
      priceVersion: 'x/m@2026-12-01',
      rates: {
        inputUncached: '3000000',
        inputCacheRead: '300000',
        inputCacheWrite5m: '3750000',
        inputCacheWrite1h: '6000000',
        output: '15000000',
        reasoning: '15000000',
      },
      bands: [
        {
          aboveInputTokens: 200_000,
          rates: {
            inputUncached: '6000000',
            inputCacheRead: '300000',
            inputCacheWrite1h: '12000000',
            output: '22500000',
          },
        },
      ],
      tiers: { batch: { rates: { inputUncached: '1500000', output: '7500000' } } },
    });
    expect(record?.tiers?.flex).toBeUndefined();
    expect(notCarried).toEqual(['search_context_cost_per_query', expect.stringContaining('tier flex')]);
  });

  it('names its models by provider, and leaves out what is no text', () => {
    const chat = '"mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6';
    const list = `{
      "sample_spec": {"mode": "one of: chat, embedding", "input_cost_per_token": 0},
      "Claude-Sonnet-4-5": {"litellm_provider": "anthropic", ${chat}},
      "anthropic.claude-v2": {"litellm_provider": "bedrock_converse", ${chat}},
      "dashscope/qwen-max": {"litellm_provider": "dashscope", ${chat}},
      "text-embedding-3": {"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 1e-7}}`;
    expect(readLiteLlmPrices(options(list)).map(({ name }) => name)).toEqual([
      'anthropic/claude-sonnet-4-5',
      'bedrock/anthropic.claude-v2',
      'qwen/qwen-max',
    ]);
  });

  it.each([
    ['a missing output price', '"input_cost_per_token": 1e-6', /none of output/],
    ['a price per million', '"input_cost_per_token": 3, "output_cost_per_token": 15', /is the unit right/],
    ['a price per thousandth', '"input_cost_per_token": 3e-12, "output_cost_per_token": 1e-6', /is the unit right/],
    [
      'caches out of order',
      '"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6, "cache_read_input_token_cost": 2e-6',
      /inputCacheRead is dearer/,
    ],
    [
      'a figure finer than a pico-USD',
      '"input_cost_per_token": 1.00000001e-6, "output_cost_per_token": 1e-6',
      /finer than/,
    ],
    ['a negative price', '"input_cost_per_token": -1e-6, "output_cost_per_token": 1e-6', /negative/],
  ])('refuses %s', (_name, model, fault) => {
    expect(litellm(model).faults.join('\n')).toMatch(fault);
  });
});

describe('genai-prices’ list', () => {
  it('becomes exact rates, with context bands', () => {
    const { record, faults } = genai(`{"input_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]},
      "cache_write_mtok": 3.75, "cache_read_mtok": 0.3, "requests_kcount": 5,
      "output_mtok": {"base": 15, "tiers": [{"start": 200000, "price": 22.5}]}}`);
    expect(faults).toEqual([expect.stringContaining('inputUncached is dearer than inputCacheWrite5m')]);
    expect(record).toMatchObject({
      rates: { inputUncached: '3000000', inputCacheWrite5m: '3750000', requests: '5000000000' },
      bands: [{ aboveInputTokens: 200_000, rates: { inputUncached: '6000000', output: '22500000' } }],
    });
  });

  it('gives the prices of the day they are to hold, and has none for an hour', () => {
    const dated = (constraint: string): ImportCandidate =>
      genai(
        `[{"prices": {"input_mtok": 1, "output_mtok": 1}}, {"constraint": ${constraint}, "prices": {"input_mtok": 2, "output_mtok": 2}}]`,
      );
    expect(dated('{"start_date": "2026-12-01"}').record?.rates.output).toBe('2000000');
    expect(dated('{"start_date": "2026-12-02"}').record?.rates.output).toBe('1000000');
    expect(dated('{"start_time": "00:30:00Z", "end_time": "16:30:00Z"}').faults).toHaveLength(1);
  });

  it('refuses a figure that was a float, and names what it cannot carry', () => {
    const broken = genai('{"input_mtok": 0.18000000000000002, "output_mtok": 1, "cache_audio_read_mtok": 1}');
    expect(broken.faults.join()).toMatch(/finer than a pico-USD: 0.18000000000000002/);
    expect(broken.notCarried).toEqual(['cache_audio_read_mtok']);
    const nowhere = genai('{"input_mtok": {"base": 1, "tiers": [{"price": 2}]}, "output_mtok": 1}');
    expect(nowhere.faults).toEqual(['input_mtok: a band starts nowhere']);
  });
});
