export { LANDING_STEPS, createFailpoint, type Failpoint, type LandingStep } from './failpoint.js';
export type { Fault, FaultReason, LandingEvent, Origin } from './landing-event.js';
export type { AppendedLog, DeadLetterFacts, LandingLog, LogDraft, PartitionLog } from './landing-log.js';
export { createLandingMetrics } from './landing-metrics.js';
export type { LandingSink, RowSource } from './landing-sink.js';
export { withReplays } from './replayed-rows.js';
export { OriginSpans, spanCondition } from './origin-spans.js';
export { PartitionLander } from './partition-lander.js';
export {
  countCell,
  defineSinkTable,
  encodeCell,
  timeCell,
  type Cell,
  type Columns,
  type RowMaker,
  type SinkRow,
  type SinkTable,
  type SinkTableOptions,
} from './sink-table.js';
export { startLanding, type Landing, type LandingOptions } from './start-landing.js';
export { landingMigration } from './watermarks.js';
