import type { z } from 'zod';
import { TargetOutcome, WorkerPresence } from './call/control.js';
import { LandedReport } from './landing/landed.js';

/** A message on core NATS that nobody answers: delivered at most once, so a lost one must do no harm. */
export interface MessageDefinition<Schema extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly version: number;
  readonly owner: readonly string[];
  readonly schema: Schema;
}

/** How one attempt at a target went. To every router of the region. */
export const TargetOutcomeV1 = {
  name: 'target-outcome',
  version: 1,
  owner: ['providers'],
  schema: TargetOutcome,
} as const satisfies MessageDefinition;

/** Which providers a worker serves. To every router of the region. */
export const WorkerPresenceV1 = {
  name: 'worker-presence',
  version: 1,
  owner: ['providers'],
  schema: WorkerPresence,
} as const satisfies MessageDefinition;

/** What a sink has landed. To the producer. */
export const LandedReportV1 = {
  name: 'landed-report',
  version: 1,
  owner: ['audit', 'billing'],
  schema: LandedReport,
} as const satisfies MessageDefinition;
