import type { AliasRecord, KeyId, KeyRecord, ModelRecord, PriceRecord } from '@weir/contracts';

export const keyRecord = (id: string, version: number): KeyRecord => ({
  kind: 'key',
  version,
  id: id as KeyId,
  hmac: `hmac-${id}`,
  organisationId: 'o',
  teamId: 't',
  personId: null,
  name: id,
  state: 'active',
  expiresAt: null,
  models: null,
  ipAllow: null,
});

export const modelRecord = (name: string, version: number): ModelRecord => ({
  kind: 'model',
  version,
  name,
  displayName: name,
  createdAt: 0,
  deployments: [],
});

export const aliasRecord = (pattern: string, model: string, version = 1): AliasRecord => ({
  kind: 'alias',
  version,
  pattern,
  model,
});

export const priceRecord = (key: string, priceVersion: string, validFrom: number): PriceRecord => ({
  kind: 'price',
  priceVersion,
  key,
  validFrom,
  rates: {
    inputUncached: '1',
    inputCacheRead: '1',
    inputCacheWrite5m: '1',
    inputCacheWrite1h: '1',
    output: '1',
    reasoning: '1',
  },
  source: 'test',
});
