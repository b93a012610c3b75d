import type { KvBucketName } from '@weir/contracts';

/**
 * `loading`: some bucket was not read to its end yet, or `catalog` lacks its `complete` marker: answer 503, never 401.
 * `stale`: no heartbeat for `staleAfterMs`: admit nothing. `ready`: admit.
 */
export type CatalogState = 'loading' | 'ready' | 'stale';

interface BucketProgress {
  heardAt: number;
  /** Read to its end (and, for `catalog`, to its marker) at least once. */
  isRead: boolean;
  run: number;
  isCaughtUp: boolean;
  hasMarker: boolean;
}

/** How far and how fresh the buckets are. Times are milliseconds of one monotonic clock. No I/O. */
export class Freshness {
  private readonly buckets = new Map<KvBucketName, BucketProgress>();

  constructor(
    buckets: readonly KvBucketName[],
    private readonly staleAfterMs: number,
  ) {
    for (const name of buckets) {
      this.buckets.set(name, { heardAt: -Infinity, isRead: false, run: 0, isCaughtUp: false, hasMarker: false });
    }
  }

  run(bucket: KvBucketName): number {
    return this.progress(bucket).run;
  }

  heard(bucket: KvBucketName, now: number): void {
    this.progress(bucket).heardAt = now;
  }

  restarted(bucket: KvBucketName): void {
    const progress = this.progress(bucket);
    progress.run += 1;
    progress.isCaughtUp = false;
    progress.hasMarker = false;
  }

  /** @returns whether the bucket has just become whole in this run of its watch. */
  caughtUp(bucket: KvBucketName): boolean {
    const progress = this.progress(bucket);
    const wasWhole = this.isWhole(bucket, progress);
    progress.isCaughtUp = true;
    return this.becomeRead(bucket, progress, wasWhole);
  }

  /** The `complete` marker was read. @returns as {@link caughtUp}. */
  marked(bucket: KvBucketName): boolean {
    const progress = this.progress(bucket);
    const wasWhole = this.isWhole(bucket, progress);
    progress.hasMarker = true;
    return this.becomeRead(bucket, progress, wasWhole);
  }

  state(now: number): CatalogState {
    const all = [...this.buckets.values()];
    if (!all.every(({ isRead }) => isRead)) return 'loading';
    return all.every(({ heardAt }) => now - heardAt <= this.staleAfterMs) ? 'ready' : 'stale';
  }

  private becomeRead(bucket: KvBucketName, progress: BucketProgress, wasWhole: boolean): boolean {
    if (wasWhole || !this.isWhole(bucket, progress)) return false;
    progress.isRead = true;
    return true;
  }

  private isWhole(bucket: KvBucketName, { isCaughtUp, hasMarker }: BucketProgress): boolean {
    return isCaughtUp && (bucket !== 'catalog' || hasMarker);
  }

  private progress(bucket: KvBucketName): BucketProgress {
    const progress = this.buckets.get(bucket);
    if (progress === undefined) throw new Error(`bucket ${bucket} was not asked for`);
    return progress;
  }
}
