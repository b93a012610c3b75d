import { setTimeout as sleep } from 'node:timers/promises';
import { openBucket, type BusConnection } from '@weir/bus';
import { CatalogRecord, KV_BUCKETS } from '@weir/contracts';
import type { Logger } from '@weir/kit';
import type { Warehouse } from '@weir/warehouse';
import { findDirectoryEntry, type DirectoryEntry } from '../../domain/directory-entry.js';
import { entryKey, readDirectoryVersions, writeDirectory } from './directory-store.js';

export interface DirectoryMirrorOptions {
  readonly connection: BusConnection;
  readonly warehouse: Warehouse;
  readonly logger: Logger;
  readonly timeScale: number;
}

/** Changes that come within this land together. */
const LINGER_MS = 200;
const RETRY_MS = 2_000;

/**
 * Keeps the warehouse's directory of names equal to the catalog, so that the views can name people. What waits is one entry a name, so
 * memory is bounded by the catalog however long the warehouse is down.
 */
export class DirectoryMirror {
  private readonly stop = new AbortController();
  private readonly waiting = new Map<string, DirectoryEntry>();
  private known: Map<string, number> | undefined;
  private writing: Promise<void> | undefined;

  constructor(private readonly options: DirectoryMirrorOptions) {}

  /** Starts to follow the catalog; resolves at once, whether the bucket is there or not. */
  async start(): Promise<void> {
    const { connection, timeScale, logger } = this.options;
    const bucket = await openBucket(connection, KV_BUCKETS.catalog, { timeScale });
    bucket.watch({
      signal: this.stop.signal,
      onEntry: (key, value) => {
        const parsed = CatalogRecord.safeParse(value);
        if (parsed.success) this.add(findDirectoryEntry(parsed.data));
        else if (value !== undefined) logger.warn({ key }, 'a catalog record cannot be read');
      },
    });
  }

  /** Writes what is waiting, once, and ends. */
  async close(): Promise<void> {
    this.stop.abort(new Error('closing'));
    await this.writing;
  }

  private add(entry: DirectoryEntry | undefined): void {
    if (!entry) return;
    const key = entryKey(entry);
    const waiting = this.waiting.get(key);
    if (waiting && waiting.version >= entry.version) return;
    this.waiting.set(key, entry);
    this.writing ??= this.write().finally(() => (this.writing = undefined));
  }

  private async write(): Promise<void> {
    const { logger, timeScale } = this.options;
    while (this.waiting.size > 0) {
      // Both waits end early when it closes: then what is waiting is written at once, and not tried again.
      await this.pause(LINGER_MS * timeScale);
      try {
        await this.writeWaiting();
      } catch (error) {
        logger.warn({ err: error, entries: this.waiting.size }, 'the directory waits for the warehouse');
        if (this.stop.signal.aborted) return;
        await this.pause(RETRY_MS * timeScale);
      }
    }
  }

  private async writeWaiting(): Promise<void> {
    const { warehouse } = this.options;
    const known = (this.known ??= await readDirectoryVersions(warehouse));
    const entries = [...this.waiting.values()];
    const newer = entries.filter((entry) => entry.version > (known.get(entryKey(entry)) ?? 0));
    if (newer.length > 0) await writeDirectory(warehouse, newer);
    for (const entry of entries) {
      const key = entryKey(entry);
      known.set(key, Math.max(entry.version, known.get(key) ?? 0));
      if (this.waiting.get(key) === entry) this.waiting.delete(key);
    }
  }

  private async pause(ms: number): Promise<void> {
    if (this.stop.signal.aborted) return;
    // eslint-disable-next-line no-restricted-syntax -- it only fails when it is aborted, which the caller looks at
    await sleep(ms, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }
}
