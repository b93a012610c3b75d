import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PriceBookError } from '@weir/money';
import { readPriceLists } from './read-price-lists.js';

const shipped = join(__dirname, '../../../prices');
const list = (prices: string): string => `source: x\nchecked: 2026-01-01\nprices:\n${prices}`;

async function read(files: Record<string, string>): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'prices-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await readPriceLists(folder).catch((error: unknown) => error);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('price lists', () => {
  it('that are shipped are sound and price every model of the default configuration', async () => {
    const keys = new Set((await readPriceLists(shipped)).map((record) => record.key));
    const models = ['openai', 'anthropic', 'bedrock-claude', 'bedrock-nova', 'deepseek', 'qwen'];
    expect([...keys]).toEqual(expect.arrayContaining(models.map((model) => `simulator/sim-${model}`)));
    expect([...keys]).toEqual(
      expect.arrayContaining([
        ...['gpt-5', 'gpt-5-mini', 'gpt-4.1', 'gpt-4o', 'gpt-4o-mini'].map((model) => `openai/${model}`),
        ...['opus-4-5', 'sonnet-4-5', 'haiku-4-5'].map((model) => `anthropic/claude-${model}`),
        ...['claude-sonnet-4-5', 'claude-haiku-4-5', 'nova-pro', 'nova-lite'].map((model) => `bedrock/${model}`),
        ...['deepseek-chat', 'deepseek-reasoner'].map((model) => `deepseek/${model}`),
        ...['qwen-max', 'qwen-plus', 'qwen-turbo'].map((model) => `qwen/${model}`),
      ]),
    );
  });

  it('name their source', async () => {
    for (const record of await readPriceLists(shipped)) expect(record.source).toMatch(/checked \d{4}-\d\d-\d\d/);
  });

  it('with a price that YAML reads as a float are refused', async () => {
    const error = await read({ 'a.yaml': list('  - { key: a/b, validFrom: 2026-01-01, input: 0.1, output: "1" }') });
    expect(error).toBeInstanceOf(PriceBookError);
    expect(String(error)).toContain('prices.0.input');
  });

  it('that give one version twice, are no YAML, or are missing, are refused', async () => {
    const entry = list('  - { key: a/b, validFrom: 2026-01-01, input: "1", output: "1" }');
    expect(String(await read({ 'a.yaml': entry, 'b.yaml': entry }))).toContain('a/b@2026-01-01 is in a.yaml too');
    expect(await read({ 'a.yaml': '{' })).toBeInstanceOf(PriceBookError);
    expect(await read({})).toBeInstanceOf(PriceBookError);
  });
});
