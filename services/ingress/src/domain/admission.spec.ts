import { describe, expect, it } from '@jest/globals';
import type { KeyId, KeyRecord, ModelRecord, PriceRecord } from '@weir/contracts';
import { admitModel, authenticate, type AdmissionCatalog, type Caller } from './admission.js';

const key: KeyRecord = {
  kind: 'key',
  version: 1,
  id: 'abc' as KeyId,
  hmac: 'hmac-of-secret',
  organisationId: 'org',
  teamId: 'team',
  personId: 'person',
  name: 'build server',
  state: 'active',
  expiresAt: null,
  models: null,
  ipAllow: null,
};

const deployment = {
  id: 'd1',
  provider: 'simulator',
  adapter: 'anthropic' as const,
  upstreamModel: 'up',
  region: 'local',
  priority: 0,
  weight: 1,
  price: 'simulator/sim',
  contextWindow: 1_000,
  maxOutputTokens: 100,
  capabilities: { samplingAccepted: true, reasoning: 'none' as const, images: true, tools: true },
};

const model: ModelRecord = {
  kind: 'model',
  version: 1,
  name: 'sim',
  displayName: 'Sim',
  createdAt: 0,
  deployments: [deployment, { ...deployment, id: 'd2', price: 'none' }],
};

const price = { priceVersion: 'simulator/sim@2026-01-01' } as PriceRecord;

function catalogWith(record: Partial<KeyRecord>, state: 'loading' | 'ready' | 'stale' = 'ready'): AdmissionCatalog {
  return {
    state: () => state,
    findKey: (hmac) => (hmac === key.hmac ? { ...key, ...record } : undefined),
    findModel: (name) => (name === 'sim' || name === 'alias-of-sim' ? model : undefined),
    priceFor: (name) => (name === 'simulator/sim' ? price : undefined),
  };
}

const caller: Caller = {
  callerKey: { kind: 'key', key: 'secret' },
  isAddressAllowed: () => true,
  application: 'curl',
  now: 1_000,
};
const hmac = (text: string) => `hmac-of-${text}`;

function codeOf(record: Partial<KeyRecord>, change: Partial<Caller> = {}): string {
  const result = authenticate(catalogWith(record), { ...caller, ...change }, hmac);
  return result.kind === 'refused' ? result.refusal.code : 'admitted';
}

describe('authenticate', () => {
  it('names on whose behalf a call is made', () => {
    const result = authenticate(catalogWith({}), caller, hmac);
    expect(result).toMatchObject({
      kind: 'admitted',
      principal: { organisationId: 'org', teamId: 'team', personId: 'person', keyId: 'abc', application: 'curl' },
    });
  });

  it.each(['loading', 'stale'] as const)('answers 503 and never 401 while the catalog is %s', (state) => {
    const anybody: Caller = { ...caller, callerKey: { kind: 'missing' } };
    const result = authenticate(catalogWith({}, state), anybody, hmac);
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'catalog_not_ready', retryAfterSeconds: 1 } });
  });

  it('refuses by the state of the key', () => {
    expect(codeOf({})).toBe('admitted');
    expect(codeOf({}, { callerKey: { kind: 'missing' } })).toBe('missing_key');
    expect(codeOf({}, { callerKey: { kind: 'conflicting' } })).toBe('conflicting_keys');
    expect(codeOf({}, { callerKey: { kind: 'key', key: 'other' } })).toBe('invalid_key');
    expect(codeOf({ state: 'revoked' })).toBe('invalid_key');
    expect(codeOf({ state: 'blocked' })).toBe('key_blocked');
    expect(codeOf({ expiresAt: 1_000 })).toBe('key_expired');
    expect(codeOf({ expiresAt: 1_001 })).toBe('admitted');
    expect(codeOf({}, { isAddressAllowed: () => false })).toBe('address_not_allowed');
  });

  it('still says whose key it was, for the record', () => {
    const result = authenticate(catalogWith({ state: 'revoked' }), caller, hmac);
    expect(result).toMatchObject({ kind: 'refused', key: { id: 'abc' } });
  });
});

describe('admitModel', () => {
  it('resolves an alias and pins a price for every deployment, null where there is none', () => {
    expect(admitModel(catalogWith({}), key, 'alias-of-sim', 5)).toEqual({
      kind: 'admitted',
      model,
      prices: [
        { deploymentId: 'd1', priceVersion: 'simulator/sim@2026-01-01' },
        { deploymentId: 'd2', priceVersion: null },
      ],
    });
  });

  it('refuses a model that does not exist or that the key may not use, naming it harmlessly', () => {
    const unknown = admitModel(catalogWith({}), key, '<b>\nx', 5);
    expect(unknown).toMatchObject({
      refusal: { code: 'model_not_found', param: 'model', message: 'The model "?b??x" does not exist.' },
    });
    const denied = admitModel(catalogWith({}), { ...key, models: ['other'] }, 'alias-of-sim', 5);
    expect(denied).toMatchObject({ refusal: { code: 'model_not_allowed' } });
    expect(admitModel(catalogWith({}), { ...key, models: ['sim'] }, 'alias-of-sim', 5).kind).toBe('admitted');
  });
});
