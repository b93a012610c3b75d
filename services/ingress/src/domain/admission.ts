import type { KeyRecord, ModelRecord, PinnedPrice, PriceRecord, Principal } from '@weir/contracts';
import type { CallerKey } from './caller-key.js';
import { quoted, refuse, type Refusal } from './refusal.js';

/** What admission reads, all from memory. */
export interface AdmissionCatalog {
  state(): 'loading' | 'ready' | 'stale';
  findKey(hmac: string): KeyRecord | undefined;
  findModel(name: string): ModelRecord | undefined;
  priceFor(key: string, at: number, region: string): PriceRecord | undefined;
}

export interface Caller {
  readonly callerKey: CallerKey;
  /** Whether the caller's address is one the key may be used from. */
  readonly isAddressAllowed: (key: KeyRecord) => boolean;
  readonly application: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type Authentication =
  | { readonly kind: 'admitted'; readonly key: KeyRecord; readonly principal: Principal }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly key: KeyRecord | null };

const refused = (refusal: Refusal, key: KeyRecord | null = null): Authentication => ({ kind: 'refused', refusal, key });

function principalOf(key: KeyRecord, application: string): Principal {
  const { organisationId, teamId, personId, id } = key;
  return { organisationId, teamId, personId, keyId: id, application };
}

/**
 * On whose behalf a request is made. The work is the same for every key: one HMAC and one look-up in memory. While the catalog
 * has not been read a key cannot be judged, so the answer is 503 and never 401.
 */
export function authenticate(catalog: AdmissionCatalog, caller: Caller, hmac: (key: string) => string): Authentication {
  if (catalog.state() !== 'ready') return refused(refuse('catalog_not_ready'));
  if (caller.callerKey.kind === 'missing') return refused(refuse('missing_key'));
  if (caller.callerKey.kind === 'conflicting') return refused(refuse('conflicting_keys'));
  const key = catalog.findKey(hmac(caller.callerKey.key));
  // A revoked key is told the same as an unknown one: that it ever existed is nobody's business.
  if (!key || key.state === 'revoked') return refused(refuse('invalid_key'), key ?? null);
  if (key.state === 'blocked')
    return refused(refuse('key_blocked', { message: `The API key ${quoted(key.name)} is blocked.` }), key);
  if (key.expiresAt !== null && key.expiresAt <= caller.now) {
    const message = `The API key ${quoted(key.name)} expired at ${new Date(key.expiresAt).toISOString()}.`;
    return refused(refuse('key_expired', { message }), key);
  }
  if (!caller.isAddressAllowed(key)) return refused(refuse('address_not_allowed'), key);
  return { kind: 'admitted', key, principal: principalOf(key, caller.application) };
}

export type ModelAdmission =
  | { readonly kind: 'admitted'; readonly model: ModelRecord; readonly prices: PinnedPrice[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export function mayUseModel(key: KeyRecord, model: ModelRecord): boolean {
  return key.models === null || key.models.includes(model.name);
}

/**
 * Resolves the model a client named (own names first, then aliases), checks the key's access to it, and pins the price version of
 * every deployment the call may reach, as of `now`. A deployment without a price is pinned as null: an error state that billing shows, never free.
 */
export function admitModel(catalog: AdmissionCatalog, key: KeyRecord, requested: string, now: number): ModelAdmission {
  const model = catalog.findModel(requested);
  if (!model) {
    const message = `The model ${quoted(requested)} does not exist.`;
    return { kind: 'refused', refusal: refuse('model_not_found', { message, param: 'model' }) };
  }
  if (!mayUseModel(key, model)) {
    const message = `The API key ${quoted(key.name)} may not use the model ${quoted(requested)}.`;
    return { kind: 'refused', refusal: refuse('model_not_allowed', { message, param: 'model' }) };
  }
  const prices = model.deployments.map((deployment) => ({
    deploymentId: deployment.id,
    priceVersion: catalog.priceFor(deployment.price, now, deployment.region)?.priceVersion ?? null,
  }));
  return { kind: 'admitted', model, prices };
}
