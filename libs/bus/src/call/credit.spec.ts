import { describe, expect, it } from '@jest/globals';
import { CALL_SIZES } from '@weir/contracts';
import fc from 'fast-check';
import { CallCredit, CreditBudget } from './credit.js';

describe('CallCredit', () => {
  it('lets every byte through in the end, never beyond what was granted, however grants and data interleave', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 40 }), (steps) => {
        const budget = new CreditBudget();
        const credit = new CallCredit(budget);
        let allowed = credit.initial;
        let sent = 0;
        let wanted = credit.initial;
        for (const step of steps) {
          wanted += step;
          credit.want(wanted);
          allowed = Math.max(allowed, credit.advance() ?? 0);
          while (sent < allowed) {
            const bytes = Math.min(65_536, allowed - sent);
            sent += bytes;
            credit.receive(bytes);
            allowed = Math.max(allowed, credit.advance() ?? 0);
          }
          expect(sent).toBeLessThanOrEqual(wanted);
        }
        expect(sent).toBe(wanted);
        expect(budget.outstanding).toBe(0);
      }),
    );
  });

  it('keeps all calls together under the limit, but for the least share of each', () => {
    const budget = new CreditBudget();
    const calls = Array.from({ length: 500 }, () => new CallCredit(budget));
    expect(budget.outstanding).toBeLessThanOrEqual(CALL_SIZES.outstandingCreditMax + 500 * 8 * 1024);
    expect(calls[0]?.initial).toBe(CALL_SIZES.initialCredit);
    for (const call of calls) call.release();
    expect(budget.outstanding).toBe(0);
  });

  it('repeats what a worker may not have heard, until it says where it is', () => {
    const credit = new CallCredit(new CreditBudget());
    expect(credit.unheard()).toBeUndefined();
    credit.want(credit.initial + 1_000);
    credit.receive(credit.initial);
    const offset = credit.advance();
    expect(offset).toBe(credit.initial + 1_000);
    expect(credit.unheard()).toBe(offset);
    expect(credit.hear(credit.initial)).toBe(offset);
    expect(credit.hear(null)).toBeUndefined();
    expect(credit.unheard()).toBeUndefined();
  });

  it('starts a new attempt with the credit of the envelope', () => {
    const budget = new CreditBudget();
    const credit = new CallCredit(budget);
    credit.restart();
    expect(budget.outstanding).toBe(credit.initial);
    credit.receive(credit.initial);
    expect(budget.outstanding).toBe(0);
    credit.restart();
    expect(budget.outstanding).toBe(credit.initial);
  });
});
