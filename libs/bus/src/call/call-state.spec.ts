import { describe, expect, it } from '@jest/globals';
import { FRAME, type FrameType } from '@weir/contracts';
import fc from 'fast-check';
import { judgeFrame, newProgress } from './call-state.js';

interface Sent {
  readonly type: FrameType;
  readonly attempt: number;
  readonly sequence: number;
}

/** A stream of one attempt: head, some data, end. */
const streamOf = (attempt: number, chunks: number): Sent[] =>
  [FRAME.head, ...Array<FrameType>(chunks).fill(FRAME.data), FRAME.end].map((type, sequence) => ({
    type,
    attempt,
    sequence,
  }));

const judgeAll = (frames: readonly Sent[]) => {
  const progress = newProgress();
  return frames.map((frame) => judgeFrame(progress, frame));
};

describe('judgeFrame', () => {
  it('delivers a stream in order, whatever of it is repeated', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.array(fc.nat()), (chunks, repeats) => {
        const frames = streamOf(1, chunks);
        const sent = frames.flatMap((frame, i) => [
          frame,
          ...(repeats[i] === undefined ? [] : [frames[repeats[i] % (i + 1)] ?? frame]),
        ]);
        const verdicts = judgeAll(sent);
        const delivered = sent.filter((_, i) => verdicts[i] !== 'stale');
        expect(delivered).toEqual(frames);
        expect(verdicts).not.toContain('gap');
      }),
    );
  });

  it('notices every lost frame but the last, before anything after it is delivered', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (chunks, which) => {
        const frames = streamOf(1, chunks);
        const lost = which % (frames.length - 1);
        const verdicts = judgeAll(frames.filter((_, i) => i !== lost));
        expect(verdicts.slice(0, lost).every((verdict) => verdict === 'deliver' || verdict === 'first')).toBe(true);
        expect(verdicts[lost]).toBe('gap');
      }),
    );
  });

  it('never mixes attempts: after an answer has begun, only its attempt is heard', () => {
    const frame = fc.record({
      type: fc.constantFrom(...Object.values(FRAME)),
      attempt: fc.integer({ min: 1, max: 4 }),
      sequence: fc.nat({ max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 80 }), (frames) => {
        const progress = newProgress();
        let answering = 0;
        let expected = 0;
        for (const one of frames) {
          const verdict = judgeFrame(progress, one);
          if (verdict === 'gap') return;
          if (verdict === 'stale') continue;
          if (answering > 0) expect(one.attempt).toBe(answering);
          expected = verdict === 'first' ? 0 : expected + 1;
          expect(one.sequence).toBe(expected);
          if (one.type !== FRAME.accepted && one.type !== FRAME.ping && one.type !== FRAME.fail)
            answering = one.attempt;
        }
      }),
    );
  });

  it('lets a later attempt take over before the head', () => {
    const accepted = { type: FRAME.accepted, sequence: 0 };
    expect(
      judgeAll([
        { ...accepted, attempt: 1 },
        { ...accepted, attempt: 2 },
        { type: FRAME.ping, attempt: 1, sequence: 1 },
      ]),
    ).toEqual(['first', 'first', 'stale']);
  });
});
