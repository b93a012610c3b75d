import { createHash } from 'node:crypto';
import type { CacheTtl } from './conversation.js';
import type { PromptSegment } from './prompt-segments.js';
import { bytesPerToken } from './tokens.js';

/** How a prompt's tokens are billed. The four are disjoint; their sum is the prompt. */
export interface InputUsage {
  readonly inputUncached: number;
  readonly inputCacheRead: number;
  readonly inputCacheWrite5m: number;
  readonly inputCacheWrite1h: number;
}

const ttlMs: Record<CacheTtl, number> = { '5m': 300_000, '1h': 3_600_000 };
/** OpenAI caches by itself from 1,024 tokens on, in steps of 128. */
const automaticStepTokens = 128;
const automaticMinimumTokens = 1_024;
/** Beyond this a prefix is not cached further, so that one huge prompt cannot fill the cache. */
const automaticStepsMax = 4_096;

/** The prompt caches of all simulated providers. A prefix is found again only by the same model and the same credential. */
export class PromptCache {
  readonly #expiryMs = new Map<string, number>();
  readonly #entriesMax: number;
  readonly #nowMs: () => number;

  constructor(entriesMax: number, nowMs: () => number) {
    this.#entriesMax = entriesMax;
    this.#nowMs = nowMs;
  }

  clear(): void {
    this.#expiryMs.clear();
  }

  /**
   * Anthropic's and Bedrock's rule: a mark ends a prefix. The longest prefix still held is read; what lies between it
   * and each further mark is written for that mark's time; the rest is uncached.
   */
  chargeMarked(scope: string, segments: readonly PromptSegment[], promptTokens: number): InputUsage {
    const lastMark = segments.findLastIndex((segment) => segment.cache !== undefined);
    const boundaries = boundariesOf(scope, segments.slice(0, lastMark + 1));
    const readAt = boundaries.findLastIndex((boundary) => this.#holds(boundary.key));
    const read = boundaries[readAt]?.tokens ?? 0;
    const written: Record<CacheTtl, number> = { '5m': 0, '1h': 0 };
    let through = read;
    boundaries.forEach((boundary, index) => {
      if (boundary.cache === undefined) return;
      this.#keep(boundary.key, ttlMs[boundary.cache]);
      if (index <= readAt) return;
      written[boundary.cache] += boundary.tokens - through;
      through = boundary.tokens;
    });
    return {
      inputUncached: promptTokens - through,
      inputCacheRead: read,
      inputCacheWrite5m: written['5m'],
      inputCacheWrite1h: written['1h'],
    };
  }

  /** OpenAI's rule: the longest prefix seen in the last five minutes is read; writing costs nothing extra. */
  chargeAutomatic(scope: string, segments: readonly PromptSegment[], promptTokens: number): InputUsage {
    const keys = automaticKeysOf(scope, segments, promptTokens);
    const steps = keys.findLastIndex((key) => this.#holds(key)) + 1;
    const minimumSteps = automaticMinimumTokens / automaticStepTokens;
    const read = steps >= minimumSteps ? steps * automaticStepTokens : 0;
    for (const key of keys.slice(minimumSteps - 1)) this.#keep(key, ttlMs['5m']);
    return { inputUncached: promptTokens - read, inputCacheRead: read, inputCacheWrite5m: 0, inputCacheWrite1h: 0 };
  }

  #holds(key: string): boolean {
    const expiry = this.#expiryMs.get(key);
    return expiry !== undefined && expiry > this.#nowMs();
  }

  /** Least recently used first out. A longer time already granted stays. */
  #keep(key: string, forMs: number): void {
    const expiry = Math.max(this.#expiryMs.get(key) ?? 0, this.#nowMs() + forMs);
    this.#expiryMs.delete(key);
    this.#expiryMs.set(key, expiry);
    if (this.#expiryMs.size <= this.#entriesMax) return;
    const oldest = this.#expiryMs.keys().next();
    if (oldest.done !== true) this.#expiryMs.delete(oldest.value);
  }
}

interface Boundary {
  readonly key: string;
  readonly tokens: number;
  readonly cache: CacheTtl | undefined;
}

function boundariesOf(scope: string, segments: readonly PromptSegment[]): Boundary[] {
  let key = scope;
  let tokens = 0;
  return segments.map((segment) => {
    key = chain(key, segment.canonical);
    tokens += segment.tokens;
    return { key, tokens, cache: segment.cache };
  });
}

function automaticKeysOf(scope: string, segments: readonly PromptSegment[], promptTokens: number): string[] {
  const text = Buffer.from(segments.map((segment) => segment.canonical).join('\0'));
  const stepBytes = automaticStepTokens * bytesPerToken;
  const steps = Math.min(
    Math.floor(text.byteLength / stepBytes),
    Math.floor(promptTokens / automaticStepTokens),
    automaticStepsMax,
  );
  let key = `automatic ${scope}`;
  return Array.from({ length: steps }, (_, step) => {
    key = chain(key, text.subarray(step * stepBytes, (step + 1) * stepBytes));
    return key;
  });
}

function chain(previous: string, content: string | Buffer): string {
  return createHash('sha1').update(previous).update('\0').update(content).digest('base64');
}
