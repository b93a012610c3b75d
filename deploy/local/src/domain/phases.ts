/** Drain order: ingress finishes its streams while everything below it still works; the broker goes last. */
export const PHASE = {
  ingress: 0,
  calls: 1,
  sinks: 2,
  control: 3,
  simulator: 5,
  clickhouse: 6,
  postgres: 7,
  nats: 8,
} as const;

/** Phases from here on are parts: no client's stream hangs on their end. */
export const FIRST_PART_PHASE = PHASE.simulator;
