import type { Outcome } from '../load/outcome.js';
import { findingOf, type Finding } from './finding.js';

/** A client that is told nothing for so long would be within its rights to give up. */
const SILENCE_MS_MAX = 17_000;
/** For the client to read, and for the clock's own grain. */
const GRACE_MS = 500;

export interface ClientCircumstances {
  /** Connections may break: the process that held them died. */
  readonly breaksConnections: boolean;
  /** `performance.now()` when the fault was healed: silence of a process that was stopped counts from here. */
  readonly healedAt: number;
}

/** Streams and answers that ended in none of the ways that a client can understand, or not in time. */
export function findClientFaults(
  outcomes: readonly Outcome[],
  { breaksConnections, healedAt }: ClientCircumstances,
): Finding[] {
  const untyped = outcomes.filter(({ end }) => end === 'untyped');
  const broken = breaksConnections ? [] : outcomes.filter(({ end }) => end === 'cut' || end === 'unanswered');
  const silent = outcomes.filter((outcome) => {
    // A stopped process says nothing; it is let off only the time for which it was stopped.
    const from = breaksConnections
      ? Math.max(outcome.lastByteAt, Math.min(healedAt, outcome.endedAt))
      : outcome.lastByteAt;
    return outcome.end !== 'left' && outcome.endedAt - from - outcome.stutterMs > SILENCE_MS_MAX + GRACE_MS;
  });
  return [
    ...findingOf('clients: an answer ended without a terminal frame or a typed error', untyped),
    ...findingOf('clients: a connection broke', broken),
    ...findingOf('clients: an answer was silent for over 17 s', silent.map(timesOf)),
    ...findingOf(
      'clients: an answer without x-request-id',
      outcomes.filter(({ status, callId }) => status !== undefined && callId === undefined),
    ),
  ];
}

const timesOf = (outcome: Outcome): object => ({
  ...outcome,
  silentMs: Math.round(outcome.endedAt - outcome.lastByteAt),
});
