import type { LandingSink } from '@weir/landing';
import { deniedCallRows, finishedCallRows } from './call-rows.js';
import { eventRows } from './event-rows.js';

/** What audit lands: the facts. It checks every event's data, so that what cannot be read shows as a dead letter. */
export const auditSink: LandingSink = {
  name: 'audit',
  reads: () => true,
  sources: [finishedCallRows, deniedCallRows, eventRows],
};
