import { CallDeniedV1, CallFinishedV1, ProducerAliveV1 } from '@weir/contracts';
import { withReplays, type LandingSink } from '@weir/landing';
import { deniedCallRows, finishedCallRows } from './call-rows.js';
import { eventRows } from './event-rows.js';

const READ: ReadonlySet<string> = new Set([CallFinishedV1.type, CallDeniedV1.type, ProducerAliveV1.type]);

/**
 * What audit lands: the facts. Every event is parsed and lands as it is; the data is checked of those it makes rows of. What billing
 * makes rows of, billing checks.
 */
export const auditSink: LandingSink = withReplays({
  name: 'audit',
  reads: (type) => READ.has(type),
  skipsOthers: false,
  sources: [finishedCallRows, deniedCallRows, eventRows],
});
