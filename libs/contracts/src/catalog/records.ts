import { z } from 'zod';
import { Adapter } from '../dialect.js';
import { KeyId, SubjectToken } from '../ids.js';
import { PicoUsdString } from '../money.js';
import { ServiceTier } from '../usage.js';

const Versioned = z.object({
  /** Postgres version of the row: an older record never overwrites a newer. */
  version: z.int().min(1),
});

export const OrganisationRecord = Versioned.extend({
  kind: z.literal('organisation'),
  id: z.string(),
  name: z.string(),
});
export const TeamRecord = Versioned.extend({
  kind: z.literal('team'),
  id: z.string(),
  organisationId: z.string(),
  name: z.string(),
});
export const PersonRecord = Versioned.extend({
  kind: z.literal('person'),
  id: z.string(),
  organisationId: z.string(),
  teamId: z.string(),
  name: z.string(),
  email: z.string().nullable(),
});

export const KeyRecord = Versioned.extend({
  kind: z.literal('key'),
  id: KeyId,
  /** HMAC-SHA256 of the whole key under the pepper, base64url. */
  hmac: z.string(),
  organisationId: z.string(),
  teamId: z.string(),
  personId: z.string().nullable(),
  name: z.string(),
  state: z.enum(['active', 'blocked', 'revoked']),
  expiresAt: z.number().nullable(),
  /** Names of models it may call; null means all. */
  models: z.array(z.string()).nullable(),
  /** Addresses or CIDR ranges it may call from; null means any. */
  ipAllow: z.array(z.string()).nullable(),
});

export const Timeouts = z.object({
  connectMs: z.int(),
  firstTokenMs: z.int(),
  betweenTokensMs: z.int(),
  totalMs: z.int(),
});
export type Timeouts = z.infer<typeof Timeouts>;

export const ProviderRecord = Versioned.extend({
  kind: z.literal('provider'),
  id: SubjectToken,
  simulated: z.boolean(),
  /** Base URL per adapter it offers; the simulator offers all. */
  endpoints: z.partialRecord(Adapter, z.url()),
  /** AWS region for the bedrock adapter. */
  awsRegion: z.string().nullable(),
  timeouts: Timeouts,
  connectionsMax: z.int().min(1),
  /** Addresses that are not globally unicast but may be reached, as CIDR ranges (loopback for the simulator). */
  allowPrivate: z.array(z.string()),
});

/** What an upstream model accepts: the table the translators read. */
export const Capabilities = z.object({
  samplingAccepted: z.boolean(),
  reasoning: z.enum(['none', 'effort', 'thinking']),
  images: z.boolean(),
  tools: z.boolean(),
});
export type Capabilities = z.infer<typeof Capabilities>;

export const Deployment = z.object({
  id: z.string(),
  provider: SubjectToken,
  adapter: Adapter,
  upstreamModel: z.string(),
  region: SubjectToken,
  /** Lower is tried first; within a priority the weight decides. */
  priority: z.int().min(0),
  weight: z.int().min(0),
  /** Key in the price book. */
  price: z.string(),
  contextWindow: z.int().min(1),
  maxOutputTokens: z.int().min(1),
  capabilities: Capabilities,
});
export type Deployment = z.infer<typeof Deployment>;

export const ModelRecord = Versioned.extend({
  kind: z.literal('model'),
  name: z.string(),
  displayName: z.string(),
  createdAt: z.number(),
  deployments: z.array(Deployment),
});

/** Names that stand for a model: exact, or with one `*` at the end. The longest match wins; a model's own name before all. */
export const AliasRecord = Versioned.extend({ kind: z.literal('alias'), pattern: z.string(), model: z.string() });

/** An entry that was removed; kept so that an older record cannot come back. */
export const Tombstone = Versioned.extend({ kind: z.literal('removed') });

/** Written last by control after a projection: until it has been read a process answers 503. */
export const CompleteMarker = Versioned.extend({ kind: z.literal('complete'), records: z.int() });

export const CatalogRecord = z.discriminatedUnion('kind', [
  OrganisationRecord,
  TeamRecord,
  PersonRecord,
  KeyRecord,
  ProviderRecord,
  ModelRecord,
  AliasRecord,
  Tombstone,
  CompleteMarker,
]);
export type CatalogRecord = z.infer<typeof CatalogRecord>;
export type OrganisationRecord = z.infer<typeof OrganisationRecord>;
export type TeamRecord = z.infer<typeof TeamRecord>;
export type PersonRecord = z.infer<typeof PersonRecord>;
export type KeyRecord = z.infer<typeof KeyRecord>;
export type ProviderRecord = z.infer<typeof ProviderRecord>;
export type ModelRecord = z.infer<typeof ModelRecord>;
export type AliasRecord = z.infer<typeof AliasRecord>;

/** Bucket `credentials`: sealed with AES-256-GCM under the master key, bound to provider and origin. Read by providers only. */
export const CredentialRecord = Versioned.extend({
  kind: z.literal('credential'),
  providerId: SubjectToken,
  origin: z.string(),
  sealed: z.string(),
});
export type CredentialRecord = z.infer<typeof CredentialRecord>;

/** What a sealed credential opens to. */
export const ProviderCredential = z.discriminatedUnion('type', [
  z.object({ type: z.literal('api-key'), key: z.string() }),
  z.object({ type: z.literal('bearer'), token: z.string() }),
  z.object({
    type: z.literal('aws'),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    sessionToken: z.string().nullable(),
  }),
]);
export type ProviderCredential = z.infer<typeof ProviderCredential>;

/** Rates of one band of one tier: pico-USD per token, so $3 per million is 3000000; per image and per request in the last two. */
export const RateCard = z.object({
  inputUncached: PicoUsdString,
  inputCacheRead: PicoUsdString,
  inputCacheWrite5m: PicoUsdString,
  inputCacheWrite1h: PicoUsdString,
  output: PicoUsdString,
  reasoning: PicoUsdString,
  inputAudio: PicoUsdString.optional(),
  outputAudio: PicoUsdString.optional(),
  images: PicoUsdString.optional(),
  requests: PicoUsdString.optional(),
});
export type RateCard = z.infer<typeof RateCard>;

/** Rates of one tier of service. A band holds for the whole call once its input is above so many tokens: a cliff, not a step. */
export const TierPrice = z.object({
  rates: RateCard,
  bands: z.array(z.object({ aboveInputTokens: z.int().min(1), rates: RateCard })).optional(),
});
export type TierPrice = z.infer<typeof TierPrice>;

/**
 * Bucket `prices`: one immutable dated version of what a model costs in a region, for every tier and context band. `rates` and `bands`
 * are the standard tier's; a tier that is not in `tiers` has no price.
 */
export const PriceRecord = TierPrice.extend({
  kind: z.literal('price'),
  /** `<key>@<date>`, or `<key>+<region>@<date>`. */
  priceVersion: z.string(),
  key: z.string(),
  /** Null or absent where the price holds wherever no region has its own. */
  region: z.string().nullable().optional(),
  validFrom: z.number(),
  tiers: z.partialRecord(ServiceTier.exclude(['standard']), TierPrice).optional(),
  source: z.string(),
});
export type PriceRecord = z.infer<typeof PriceRecord>;

/** NATS KV key of a record: kind, then the id in base64url, since ids hold characters a KV key may not. */
export function kvKey(kind: string, id: string): string {
  return `${kind}.${Buffer.from(id, 'utf8').toString('base64url')}`;
}
export const COMPLETE_KEY = 'complete';
