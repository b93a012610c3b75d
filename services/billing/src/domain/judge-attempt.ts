import type { PriceRecord, SetAsideKind } from '@weir/contracts';
import { ChargeFaultError, checkCharges } from './check-charges.js';
import {
  groupByOrigin,
  planAttempt,
  standingOf,
  type BookedLine,
  type ChargeFact,
  type PlannedEntry,
} from './ledger.js';
import { rateAsBooked } from './rate-as-booked.js';

/** An event of the record that is not booked, and why. Its lines are as recorded. */
export interface SetAside {
  readonly kind: SetAsideKind;
  readonly facts: readonly ChargeFact[];
  readonly reason: string;
}

export interface AttemptJudgement {
  readonly entries: readonly PlannedEntry[];
  readonly setAside: readonly SetAside[];
}

export interface JudgementContext {
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
  readonly isLate: boolean;
}

/**
 * What the ledger must be told of an attempt, and what of it cannot be booked: a fault is an event whose amounts no price makes, a conflict
 * one that counts otherwise than what is booked and is known no better. A pure function, the same in any order. A sound event that is
 * known as well cures a fault; a better count cures a conflict.
 */
export function judgeAttempt(
  facts: readonly ChargeFact[],
  booked: readonly BookedLine[],
  { findPrice, isLate }: JudgementContext,
): AttemptJudgement {
  const contradictory = findContradictions(facts);
  const sound: ChargeFact[] = [];
  const faults: SetAside[] = [];
  for (const lines of groupByOrigin(facts)) {
    const origin = lines[0]?.origin ?? '';
    const reason = contradictory.has(origin) ? 'the record has a line of it twice, with different amounts' : undefined;
    const rated = reason === undefined ? rateSoundly(lines, booked, findPrice) : { reason };
    if ('reason' in rated) faults.push({ kind: 'fault', facts: lines, reason: rated.reason });
    else sound.push(...rated.lines);
  }
  const plan = planAttempt(sound, booked, isLate);
  const conflicts = plan.conflicts.map((lines): SetAside => ({
    kind: 'conflict',
    facts: lines,
    reason: 'it counts otherwise than what is booked',
  }));
  // How well a fault is known may not be known either: it is set aside wherever nothing stands for the attempt.
  const hasNothing = booked.length === 0 && sound.length === 0;
  const open = faults.filter((fault) => hasNothing || standingOf(fault.facts) > plan.standing);
  return { entries: plan.entries, setAside: [...open, ...conflicts] };
}

function rateSoundly(
  lines: readonly ChargeFact[],
  booked: readonly BookedLine[],
  findPrice: JudgementContext['findPrice'],
): { readonly lines: readonly ChargeFact[] } | { readonly reason: string } {
  try {
    checkCharges(lines, findPrice);
    return { lines: rateAsBooked(lines, booked, findPrice) };
  } catch (error) {
    if (error instanceof ChargeFaultError) return { reason: error.reason };
    throw error;
  }
}

/** Events with a line that the record has twice and not the same. */
function findContradictions(facts: readonly ChargeFact[]): Set<string> {
  const seen = new Map<string, ChargeFact>();
  const contradictory = new Set<string>();
  for (const fact of facts) {
    const name = `${fact.origin} ${fact.line}`;
    const before = seen.get(name);
    if (before !== undefined && !isSameLine(before, fact)) contradictory.add(fact.origin);
    seen.set(name, fact);
  }
  return contradictory;
}

const isSameLine = (first: ChargeFact, second: ChargeFact): boolean =>
  (['bucket', 'quantity', 'ratePico', 'costPico', 'priceVersion', 'usageSource'] as const).every(
    (name) => first[name] === second[name],
  );
