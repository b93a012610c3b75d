import type { RunningStack } from '@weir/testing';
import type { Outcome } from '../load/outcome.js';
import { findingOf, type Finding } from './finding.js';

/** `audit_unavailable` as each dialect's clients see it. */
const REFUSAL = { status: 503, details: ['audit_unavailable', 'api_error'] };

/** Refusals that ingress says it could write nowhere, since its process began. */
export async function readUnrecorded(stack: RunningStack): Promise<number> {
  const [ingress] = stack.readConnection().services['ingress'] ?? [];
  if (!ingress) throw new Error('ingress does not run');
  const metrics = await (await fetch(ingress.metricsUrl)).text();
  const value = /^weir_ingress_denied_unrecorded_total(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1];
  if (value === undefined) throw new Error('ingress does not say how many refusals it could not record');
  return Number(value);
}

/**
 * While a journal cannot be written, calls are refused, and the refusals stand nowhere but in a metric. Leaves out as many such outcomes as
 * the metric counts; one more is a finding.
 */
export function leaveOutUnrecorded(
  outcomes: readonly Outcome[],
  recorded: ReadonlySet<string>,
  counted: number,
): { readonly kept: readonly Outcome[]; readonly findings: readonly Finding[] } {
  const isUnrecorded = ({ callId, status, detail = '' }: Outcome): boolean =>
    status === REFUSAL.status && REFUSAL.details.includes(detail) && callId !== undefined && !recorded.has(callId);
  const surplus = outcomes.filter(isUnrecorded).slice(counted);
  return {
    kept: outcomes.filter((outcome) => !isUnrecorded(outcome)),
    findings: findingOf(
      `lost: refusals that neither the record nor the metric (${counted}) holds`,
      surplus.map(({ callId, number }) => ({ callId, number })),
    ),
  };
}
