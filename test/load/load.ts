/** One load, as the generator is told it. */
export interface Load {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly key: string;
  /** Sent beside those of every load. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Chunks a stream must have; 0 for plain answers. */
  readonly chunks: number;
}

/** What the generator saw; times in milliseconds, one entry an answer. */
export interface LoadResult {
  readonly latencies: readonly number[];
  readonly firstBytes: readonly number[];
  readonly gaps: readonly number[];
  /** Answers that were not 200, and connections that broke. */
  readonly errors: number;
  /** Streams with a lost, doubled or reordered chunk, or without their end. */
  readonly broken: number;
  readonly seconds: number;
}

/** The value below which a share `p` of the sample lies (nearest rank); NaN for an empty one. */
export function percentile(sample: readonly number[], p: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * p) - 1)] ?? Number.NaN;
}

export function median(sample: readonly number[]): number {
  return percentile(sample, 0.5);
}
