import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { configurationJsonSchema, type SecretReference } from '@weir/contracts';
import { createKey, open } from '@weir/credentials';
import { diffEntries, type DesiredEntry } from './catalog-entry.js';
import { formatFault, parseConfiguration, type ParsedConfiguration } from './parse-configuration.js';
import { resolveConfiguration, type ResolvedConfiguration } from './resolve-configuration.js';

const local = join(__dirname, '../../../../deploy/local');
const shipped = readFileSync(join(local, 'weir.default.yaml'), 'utf8');

function faultsOf(text: string): string[] {
  const parsed = parseConfiguration(text);
  return parsed.ok ? [] : parsed.faults.map((fault) => formatFault('weir.yaml', fault));
}

function parsedShipped(): Extract<ParsedConfiguration, { ok: true }> {
  const parsed = parseConfiguration(shipped);
  if (!parsed.ok) throw new Error(parsed.faults.map((fault) => formatFault('weir.yaml', fault)).join('\n'));
  return parsed;
}

describe('weir.yaml', () => {
  it('ships valid, with the JSON schema that its parser uses', () => {
    expect(faultsOf(shipped)).toEqual([]);
    expect(JSON.parse(readFileSync(join(local, 'weir.schema.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(configurationJsonSchema())),
    );
  });

  it('names line, place and cure of a misspelt field and of a wrong type at once', () => {
    const line = shipped.split('\n').findIndex((text) => text.includes('WEIR_SEED_KEY')) + 1;
    const faults = faultsOf(
      shipped.replace('team: demo, person', 'tem: demo, person').replace('priority: 1,', 'priority: x,'),
    );
    expect(faults).toContainEqual(`weir.yaml:${line}:5: keys.0: unknown field "tem"; remove it or correct its name`);
    expect(faults.some((fault) => /deployments\.1\.priority: .*expected number/.test(fault))).toBe(true);
  });

  it('refuses references to what is not there and names that are there twice', () => {
    expect(
      faultsOf(shipped.replace("name: 'claude-*', model: sim-anthropic", "name: 'claude-*', model: nowhere")),
    ).toEqual([expect.stringMatching(/aliases\.0\.model: there is no model "nowhere"; known: /)]);
    expect(
      faultsOf(shipped.replace('provider: openai, adapter: openai-compatible', 'provider: openai, adapter: bedrock')),
    ).toEqual([expect.stringMatching(/provider "openai" has no endpoint for bedrock \(it has: openai-compatible\)/)]);
    expect(faultsOf(shipped.replace('- id: openai', '- id: simulator'))[0]).toMatch(
      /provider "simulator" is there twice/,
    );
  });

  it('reports text that is not YAML with its line', () => {
    expect(faultsOf('version: 1\nteams: [\n')[0]).toMatch(/^weir\.yaml:\d+:\d+: not valid YAML: /);
  });
});

describe('resolveConfiguration', () => {
  const { key } = createKey();
  let environment: Record<string, string>;

  beforeEach(() => {
    environment = { WEIR_SEED_KEY: key, WEIR_SIMULATOR_URL: 'http://127.0.0.1:8083' };
  });

  function resolve(): ResolvedConfiguration {
    const secrets = {
      readSecret: (reference: SecretReference) => ('env' in reference ? environment[reference.env] : undefined),
      readVariable: (name: string) => environment[name],
    };
    return resolveConfiguration(parsedShipped().configuration, { secrets, pepper: 'pepper', masterKey: 'master' });
  }

  const ids = (entries: readonly DesiredEntry[], kind: string): string[] =>
    entries.filter((entry) => entry.kind === kind).map((entry) => entry.id);

  it('routes the common names to the simulator while no provider key is there', () => {
    const { entries, faults, isSimulatedOnly } = resolve();
    expect(faults).toEqual([]);
    expect(isSimulatedOnly).toBe(true);
    expect(ids(entries, 'provider')).toEqual(['simulator']);
    expect(ids(entries, 'model').every((name) => name.startsWith('sim-'))).toBe(true);
    expect(ids(entries, 'alias')).toEqual(expect.arrayContaining(['claude-*', 'gpt-*', 'deepseek-*', 'qwen*']));
  });

  it('switches a real provider on with its key alone, and the simulated names off', () => {
    environment['OPENAI_API_KEY'] = 'sk-real';
    const { entries, isSimulatedOnly } = resolve();
    expect(isSimulatedOnly).toBe(false);
    expect(ids(entries, 'alias')).toEqual([]);
    expect(ids(entries, 'model')).toEqual(expect.arrayContaining(['gpt-5', 'sim-openai']));
    expect(ids(entries, 'model')).not.toContain('claude-sonnet-4-5');
    const credential = entries.find((entry) => entry.bucket === 'credentials');
    if (credential?.document.kind !== 'credential') throw new Error('no credential');
    expect(JSON.stringify(entries)).not.toContain('sk-real');
    expect(JSON.parse(open(credential.document.sealed, 'master', 'openai|https://api.openai.com'))).toEqual({
      type: 'api-key',
      key: 'sk-real',
    });
  });

  it('says which secret is missing or is not a key', () => {
    environment['WEIR_SEED_KEY'] = 'sk-weir-nonsense';
    expect(resolve().faults).toEqual([
      { path: ['keys', 0, 'secret'], message: expect.stringContaining('does not hold a Weir key') },
    ]);
    delete environment['WEIR_SEED_KEY'];
    expect(resolve().faults).toEqual([
      { path: ['keys', 0, 'secret'], message: expect.stringContaining('WEIR_SEED_KEY is not there') },
    ]);
  });

  it('changes nothing when applied twice, and removes what is no longer there', () => {
    const { entries } = resolve();
    const stored = entries.map(({ bucket, kind, id, fingerprint }) => ({
      bucket,
      kind,
      id,
      fingerprint,
      isRemoved: false,
    }));
    expect(diffEntries(stored, resolve().entries)).toEqual({ put: [], remove: [] });
    const without = entries.filter((entry) => entry.kind !== 'alias');
    expect(diffEntries(stored, without).remove.map((entry) => entry.kind)).toEqual(
      ids(entries, 'alias').map(() => 'alias'),
    );
  });
});
