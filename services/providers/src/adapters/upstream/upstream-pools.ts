import type { Adapter, ProviderRecord } from '@weir/contracts';
import { EgressError, type Egress, type OriginDispatcher } from '@weir/egress';

/** Warm connections to one endpoint of a provider. */
export interface UpstreamPool {
  readonly dispatcher: OriginDispatcher;
  readonly origin: string;
  /** Path of the base URL without a slash at its end. */
  readonly basePath: string;
}

interface Entry extends UpstreamPool {
  readonly record: ProviderRecord;
}

/** The connections of every provider in use, by provider and adapter; one that the catalog has changed is opened anew. */
export class UpstreamPools {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly egress: Egress,
    private readonly timeScale: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** @throws EgressError where the provider has no such endpoint or its URL cannot be used; RangeError for a bad private range. */
  get(record: ProviderRecord, adapter: Adapter): UpstreamPool {
    const key = `${record.id}|${adapter}`;
    const existing = this.entries.get(key);
    if (existing?.record.version === record.version) return existing;
    const entry = this.open(record, adapter);
    if (existing) this.release(existing);
    this.entries.set(key, entry);
    return entry;
  }

  /** Closes the connections of providers that are gone or have changed, once what runs on them has ended. */
  retain(find: (providerId: string) => ProviderRecord | undefined): void {
    for (const [key, entry] of this.entries) {
      if (find(entry.record.id)?.version === entry.record.version) continue;
      this.entries.delete(key);
      this.release(entry);
    }
  }

  private open(record: ProviderRecord, adapter: Adapter): Entry {
    const base = record.endpoints[adapter];
    if (base === undefined)
      throw new EgressError('invalid_url', `provider ${record.id} has no endpoint for ${adapter}`);
    const dispatcher = this.egress.dispatcher(base, {
      allowPrivate: record.allowPrivate,
      connectionsMax: record.connectionsMax,
      connectTimeoutMs: Math.ceil(record.timeouts.connectMs * this.timeScale),
    });
    const { pathname } = new URL(base);
    return { record, dispatcher, origin: dispatcher.origin, basePath: pathname.replace(/\/+$/, '') };
  }

  private release(entry: Entry): void {
    this.egress.release(entry.dispatcher).catch(this.onError);
  }
}
