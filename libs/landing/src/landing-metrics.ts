import { Counter, Gauge, Histogram, type Registry } from '@weir/kit';

/** What landing tells of itself; every series carries the partition. */
export interface LandingMetrics {
  readonly events: Counter;
  readonly duplicates: Counter;
  readonly deadLetters: Counter;
  readonly retries: Counter;
  readonly batchSeconds: Histogram;
  readonly lagSeconds: Gauge;
}

export function createLandingMetrics(registry: Registry): LandingMetrics {
  const labelNames = ['partition'];
  const registers = [registry];
  return {
    events: new Counter({ name: 'weir_landing_events_total', help: 'Events landed.', labelNames, registers }),
    duplicates: new Counter({
      name: 'weir_landing_duplicates_total',
      help: 'Events dropped because they had landed before.',
      labelNames,
      registers,
    }),
    deadLetters: new Counter({
      name: 'weir_landing_dead_letters_total',
      help: 'Lines that could not be landed as they should have been. Any is worth a look.',
      labelNames: [...labelNames, 'reason'],
      registers,
    }),
    retries: new Counter({
      name: 'weir_landing_retries_total',
      help: 'Batches tried again because a store or the bus failed.',
      labelNames,
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'weir_landing_batch_seconds',
      help: 'Time from a collected batch to its acknowledgement.',
      labelNames,
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    lagSeconds: new Gauge({
      name: 'weir_landing_lag_seconds',
      help: 'Age of the oldest event of the last batch when it had landed.',
      labelNames,
      registers,
    }),
  };
}
