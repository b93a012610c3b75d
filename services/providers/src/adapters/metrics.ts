import { Counter, Gauge, Histogram, type Registry } from '@weir/kit';
import type { AttemptFinished } from '../domain/attempt-record.js';

const LATENCY_MS = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000,
];

export interface LiveCounts {
  readonly open: () => number;
  readonly paused: () => number;
}

/** Series of providers. */
export class ProviderMetrics {
  private readonly attempts: Counter<'provider' | 'outcome'>;
  private readonly latency: Histogram<'provider'>;
  private readonly firstToken: Histogram<'provider'>;
  private readonly unpriced: Counter<'model'>;
  readonly late: Counter;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.attempts = new Counter({
      name: 'weir_attempts_total',
      help: 'Upstream attempts by how they ended.',
      labelNames: ['provider', 'outcome'],
      registers,
    });
    this.latency = new Histogram({
      name: 'weir_upstream_latency_ms',
      help: 'From the start of an attempt to its end.',
      labelNames: ['provider'],
      buckets: LATENCY_MS,
      registers,
    });
    this.firstToken = new Histogram({
      name: 'weir_upstream_first_token_ms',
      help: 'From the start of an attempt to its first token.',
      labelNames: ['provider'],
      buckets: LATENCY_MS,
      registers,
    });
    this.unpriced = new Counter({
      name: 'weir_unpriced_attempts_total',
      help: 'Attempts of models without a price: their cost is unknown, not zero.',
      labelNames: ['model'],
      registers,
    });
    this.late = new Counter({
      name: 'weir_calls_late_total',
      help: 'Calls found after their dispatchBy: nothing was sent upstream.',
      registers,
    });
  }

  /** Counts that are read when the registry is. */
  watch(counts: LiveCounts): void {
    const registers = [this.registry];
    new Gauge({
      name: 'weir_upstreams_open',
      help: 'Calls running on this worker.',
      registers,
      collect() {
        this.set(counts.open());
      },
    });
    new Gauge({
      name: 'weir_upstreams_paused',
      help: 'Upstreams whose read waits for a slow client.',
      registers,
      collect() {
        this.set(counts.paused());
      },
    });
  }

  finished(attempt: AttemptFinished, { isPriced }: { readonly isPriced: boolean }): void {
    const { provider, outcome, model } = attempt;
    this.attempts.inc({ provider, outcome });
    this.latency.observe({ provider }, attempt.latencyMs);
    if (attempt.firstTokenMs !== null) this.firstToken.observe({ provider }, attempt.firstTokenMs);
    if (!isPriced) this.unpriced.inc({ model });
  }
}
