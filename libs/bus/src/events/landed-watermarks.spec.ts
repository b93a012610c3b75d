import { describe, expect, it } from '@jest/globals';
import type { LandedReport } from '@weir/contracts';
import fc from 'fast-check';
import { LandedWatermarks } from './landed-watermarks.js';

const report = (sink: LandedReport['sink'], epoch: number, through: number): LandedReport => ({
  sink,
  producerId: 'p',
  epoch,
  through,
});
const reports = fc.array(
  fc.record({
    sink: fc.constantFrom('audit' as const, 'billing' as const),
    epoch: fc.constantFrom(1, 2),
    through: fc.nat({ max: 50 }),
  }),
);

describe('LandedWatermarks', () => {
  it('releases exactly what the slowest sink has ever reported, whatever the order and however often', () => {
    fc.assert(
      fc.property(reports, (list) => {
        const marks = new LandedWatermarks();
        const released = new Map<number, number>();
        for (const { sink, epoch, through } of list) {
          const moved = marks.report(report(sink, epoch, through), 0);
          if (moved === undefined) continue;
          expect(moved).toBeGreaterThan(released.get(epoch) ?? 0);
          released.set(epoch, moved);
        }
        for (const epoch of [1, 2]) {
          const best = (sink: string) =>
            Math.max(0, ...list.filter((one) => one.sink === sink && one.epoch === epoch).map((one) => one.through));
          expect(released.get(epoch) ?? 0).toBe(Math.min(best('audit'), best('billing')));
        }
      }),
    );
  });

  const question = { epoch: 1, acknowledged: 10, stalledMs: 100, isAlone: false };

  it('holds an epoch for lost only while every sink goes on reporting without it', () => {
    const marks = new LandedWatermarks();
    marks.report(report('audit', 1, 5), 0);
    marks.report(report('billing', 1, 5), 0);
    expect(marks.isOverdue({ ...question, now: 200 })).toBe(false);
    marks.report(report('audit', 1, 5), 200);
    expect(marks.isOverdue({ ...question, now: 200 })).toBe(false);
    marks.report(report('billing', 1, 5), 200);
    expect(marks.isOverdue({ ...question, now: 200 })).toBe(true);
    marks.resent(1, 200);
    expect(marks.isOverdue({ ...question, now: 250 })).toBe(false);
  });

  it('holds nothing for lost that was not acknowledged or has landed', () => {
    const marks = new LandedWatermarks();
    for (const now of [0, 500]) {
      marks.report(report('audit', 1, 10), now);
      marks.report(report('billing', 1, 10), now);
    }
    expect(marks.isOverdue({ ...question, now: 1_000 })).toBe(false);
    expect(marks.isOverdue({ ...question, acknowledged: 10, isAlone: true, now: 1_000 })).toBe(false);
    expect(marks.isOverdue({ ...question, acknowledged: 11, isAlone: true, now: 1_000 })).toBe(true);
  });
});
