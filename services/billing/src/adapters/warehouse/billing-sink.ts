import { AttemptFinishedV1, type PriceRecord } from '@weir/contracts';
import type { LandingEvent, LandingSink } from '@weir/landing';
import { chargeAttempt, type FinishedAttempt } from '../../domain/charge-attempt.js';
import { attemptTable, chargeTable, type ChargedAttempt } from './charge-rows.js';

export interface BillingSinkOptions {
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
  readonly onUnpriced: (attempt: FinishedAttempt) => void;
}

/** What billing lands: each ended attempt, rated, and its cost lines. */
export function createBillingSink({ findPrice, onUnpriced }: BillingSinkOptions): LandingSink {
  // Both tables take the same charge; it is computed once an event.
  const charges = new WeakMap<LandingEvent, ChargedAttempt>();
  const chargeOf = (event: LandingEvent): ChargedAttempt | undefined => {
    if (event.envelope.type !== AttemptFinishedV1.type || event.data === undefined) return undefined;
    const known = charges.get(event);
    if (known) return known;
    // The definition of this type has checked the data.
    const attempt = event.data as FinishedAttempt;
    const charged = { attempt, charge: chargeAttempt(attempt, findPrice) };
    if (charged.charge.isUnpriced) onUnpriced(attempt);
    charges.set(event, charged);
    return charged;
  };
  return {
    name: 'billing',
    reads: (type) => type === AttemptFinishedV1.type,
    sources: [
      (event) => {
        const charged = chargeOf(event);
        return charged ? charged.charge.lines.map((line) => chargeTable.row({ ...charged, line }, event)) : [];
      },
      (event) => {
        const charged = chargeOf(event);
        return charged ? [attemptTable.row(charged, event)] : [];
      },
    ],
  };
}
