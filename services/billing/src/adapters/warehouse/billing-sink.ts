import { AttemptFinishedV1, type PriceRecord } from '@weir/contracts';
import { withReplays, type LandingSink } from '@weir/landing';
import { chargeAttempt, type FinishedAttempt } from '../../domain/charge-attempt.js';
import { attemptTable, chargeTable } from './charge-rows.js';

export interface BillingSinkOptions {
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
  readonly onUnpriced: (attempt: FinishedAttempt) => void;
}

/** What billing lands: the cost lines of each ended attempt, and the attempt itself, rated. */
export function createBillingSink({ findPrice, onUnpriced }: BillingSinkOptions): LandingSink {
  return withReplays({
    name: 'billing',
    reads: (type) => type === AttemptFinishedV1.type,
    skipsOthers: true,
    sources: [
      (event) => {
        if (event.envelope.type !== AttemptFinishedV1.type || event.data === undefined) return [];
        // The definition of this type has checked the data.
        const attempt = event.data as FinishedAttempt;
        const charge = chargeAttempt(attempt, findPrice);
        if (charge.isUnpriced) onUnpriced(attempt);
        const rows = charge.lines.map((line) => chargeTable.row({ attempt, charge, line }, event));
        rows.push(attemptTable.row({ attempt, charge }, event));
        return rows;
      },
    ],
  });
}
