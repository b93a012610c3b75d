import {
  COMPLETE_KEY,
  CatalogRecord,
  CompleteMarker,
  CredentialRecord,
  PriceRecord,
  Tombstone,
  type AliasRecord,
  type KeyRecord,
  type KvBucketName,
  type ModelRecord,
  type ProviderRecord,
} from '@weir/contracts';

type AnyRecord = CatalogRecord | CredentialRecord | PriceRecord;

interface Held {
  readonly record: AnyRecord | undefined;
  /** Highest version seen under this key, also of what was removed. */
  readonly version: number;
  /** Run of the watch in which the key was last seen. */
  run: number;
}

type ParseResult = { success: true; data: AnyRecord } | { success: false; error: Error };

const SCHEMAS: Readonly<Record<KvBucketName, { safeParse(value: unknown): ParseResult }>> = {
  catalog: CatalogRecord,
  credentials: CredentialRecord,
  prices: PriceRecord,
};

/** What became of an entry: `ignored` where it is older than what is held, or cannot be read (`fault`). */
export type ApplyResult = { readonly kind: 'applied' | 'ignored' } | { readonly kind: 'fault'; readonly error: Error };

/** The records of all buckets, indexed for constant-time lookups. No I/O. */
export class CatalogIndex {
  private readonly held = new Map<string, Held>();
  private readonly keysByHmac = new Map<string, KeyRecord>();
  private readonly modelsByName = new Map<string, ModelRecord>();
  private readonly aliases = new Map<string, AliasRecord>();
  private readonly providers = new Map<string, ProviderRecord>();
  private readonly credentials = new Map<string, Map<string, CredentialRecord>>();
  private readonly pricesByVersion = new Map<string, PriceRecord>();
  private readonly pricesByKey = new Map<string, PriceRecord[]>();
  private wildcards: AliasRecord[] = [];
  private modelList: readonly ModelRecord[] = [];

  /** Takes an entry of a bucket, in run `run` of its watch; `value` is undefined where the key was deleted. */
  apply(bucket: KvBucketName, key: string, value: unknown, run: number): ApplyResult {
    const id = `${bucket}/${key}`;
    const before = this.held.get(id);
    if (before !== undefined) before.run = run;
    if (value === undefined) return this.replace(id, { record: undefined, version: before?.version ?? 0, run });
    const removed = Tombstone.safeParse(value);
    if (removed.success) return this.replace(id, { record: undefined, version: removed.data.version, run });
    const parsed = (key === COMPLETE_KEY ? CompleteMarker : SCHEMAS[bucket]).safeParse(value);
    if (!parsed.success) {
      return { kind: 'fault', error: new Error(`a record of ${id} that cannot be read`, { cause: parsed.error }) };
    }
    const version = 'version' in parsed.data ? parsed.data.version : 0;
    return this.replace(id, { record: parsed.data, version, run });
  }

  /** Drops what a complete reading of the bucket in run `run` has not shown: it was removed while nobody watched. @returns whether anything was. */
  dropUnseen(bucket: KvBucketName, run: number): boolean {
    let dropped = false;
    for (const [id, held] of this.held) {
      if (!id.startsWith(`${bucket}/`) || held.run === run) continue;
      this.held.delete(id);
      if (held.record !== undefined) this.unindex(held.record);
      dropped = true;
    }
    return dropped;
  }

  findKey(hmac: string): KeyRecord | undefined {
    return this.keysByHmac.get(hmac);
  }

  findModel(name: string): ModelRecord | undefined {
    const model = this.modelsByName.get(name);
    if (model !== undefined) return model;
    const alias = this.aliases.get(name) ?? this.wildcards.find(({ pattern }) => name.startsWith(pattern.slice(0, -1)));
    return alias === undefined ? undefined : this.modelsByName.get(alias.model);
  }

  models(): readonly ModelRecord[] {
    return this.modelList;
  }

  provider(id: string): ProviderRecord | undefined {
    return this.providers.get(id);
  }

  credential(providerId: string, origin?: string): CredentialRecord | undefined {
    const byOrigin = this.credentials.get(providerId);
    if (byOrigin === undefined) return undefined;
    return origin === undefined ? byOrigin.values().next().value : byOrigin.get(origin);
  }

  price(priceVersion: string): PriceRecord | undefined {
    return this.pricesByVersion.get(priceVersion);
  }

  priceFor(key: string, at: number, region?: string): PriceRecord | undefined {
    let forAll: PriceRecord | undefined;
    // Newest first.
    for (const price of this.pricesByKey.get(key) ?? []) {
      if (price.validFrom > at) continue;
      const priceRegion = price.region ?? null;
      if (priceRegion === null) forAll ??= price;
      else if (priceRegion === region) return price;
    }
    return forAll;
  }

  *entries(): IterableIterator<CatalogRecord> {
    for (const [id, { record }] of this.held) {
      if (record !== undefined && id.startsWith('catalog/') && record.kind !== 'complete')
        yield record as CatalogRecord;
    }
  }

  private replace(id: string, { record, version, run }: Held): ApplyResult {
    const before = this.held.get(id);
    if (before !== undefined && version < before.version) return { kind: 'ignored' };
    if (before?.record !== undefined) this.unindex(before.record);
    this.held.set(id, { record, version, run });
    if (record !== undefined) this.index(record);
    return { kind: 'applied' };
  }

  private index(record: AnyRecord): void {
    switch (record.kind) {
      case 'key':
        this.keysByHmac.set(record.hmac, record);
        return;
      case 'model':
        this.modelsByName.set(record.name, record);
        return this.listModels();
      case 'alias':
        this.aliases.set(record.pattern, record);
        return this.listWildcards();
      case 'provider':
        this.providers.set(record.id, record);
        return;
      case 'credential':
        this.credentials.set(record.providerId, this.originsOf(record).set(record.origin, record));
        return;
      case 'price':
        this.pricesByVersion.set(record.priceVersion, record);
        return this.listPrices(record.key);
      default:
      // Names of people and teams are looked up in the record, not here.
    }
  }

  private unindex(record: AnyRecord): void {
    switch (record.kind) {
      case 'key':
        if (this.keysByHmac.get(record.hmac) === record) this.keysByHmac.delete(record.hmac);
        return;
      case 'model':
        this.modelsByName.delete(record.name);
        return this.listModels();
      case 'alias':
        this.aliases.delete(record.pattern);
        return this.listWildcards();
      case 'provider':
        this.providers.delete(record.id);
        return;
      case 'credential':
        this.originsOf(record).delete(record.origin);
        return;
      case 'price':
        this.pricesByVersion.delete(record.priceVersion);
        return this.listPrices(record.key);
      default:
    }
  }

  private originsOf({ providerId }: CredentialRecord): Map<string, CredentialRecord> {
    return this.credentials.get(providerId) ?? new Map<string, CredentialRecord>();
  }

  private listModels(): void {
    this.modelList = [...this.modelsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Longest first: it is the one that says most. */
  private listWildcards(): void {
    this.wildcards = [...this.aliases.values()]
      .filter(({ pattern }) => pattern.endsWith('*'))
      .sort((a, b) => b.pattern.length - a.pattern.length);
  }

  /** Newest first. */
  private listPrices(key: string): void {
    const versions = [...this.pricesByVersion.values()].filter((price) => price.key === key);
    this.pricesByKey.set(
      key,
      versions.sort((a, b) => b.validFrom - a.validFrom),
    );
  }
}
