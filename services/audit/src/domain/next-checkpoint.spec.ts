import { describe, expect, it } from '@jest/globals';
import {
  Frontier,
  generateSignerKey,
  leafHash,
  openCheckpoint,
  parseSignerKey,
  signCheckpoint,
  type Checkpoint,
} from '@weir/translog';
import { InconsistentLogError, chooseSigners, nextCheckpoint, originOf, type StoredHead } from './next-checkpoint.js';

const NAME = 'weir.test/log/1';
const ORIGIN = originOf(NAME, 1);
const [old, current] = [parseSignerKey(generateSignerKey(NAME)), parseSignerKey(generateSignerKey(NAME))];

function headOf(...leaves: string[]): StoredHead {
  const frontier = Frontier.empty();
  for (const leaf of leaves) frontier.append(leafHash(leaf));
  return { size: frontier.size, frontier: frontier.encode() };
}

const next = (head: StoredHead, previous?: Checkpoint): Checkpoint =>
  nextCheckpoint({
    origin: ORIGIN,
    head,
    previous: previous && signCheckpoint(previous, [old]),
    now: Date.UTC(2026, 0, 2),
    extensions: [],
  });

describe('what is signed of a log', () => {
  it('is its size, its root and when, also before its first leaf and when nothing came', () => {
    const empty = next(headOf());
    const one = next(headOf('a'), empty);
    expect(one).toEqual({
      origin: ORIGIN,
      size: 1,
      root: leafHash('a'),
      extensions: ['time 2026-01-02T00:00:00.000Z'],
    });
    expect(next(headOf('a'), one)).toEqual(one);
  });

  it('is nothing of a log that has become shorter, or another', () => {
    const two = next(headOf('a', 'b'));
    expect(() => next(headOf('a'), two)).toThrow(InconsistentLogError);
    expect(() => next(headOf('a', 'c'), two)).toThrow(InconsistentLogError);
    expect(next(headOf('a', 'b', 'c'), two).size).toBe(3);
  });

  it('is refused where the stored frontier is not one of that size', () => {
    expect(() => next({ size: 3, frontier: leafHash('a') })).toThrow(RangeError);
  });
});

describe('the keys that sign', () => {
  it('are the last of the file, and at its first use the one before it too, which names it', () => {
    expect(chooseSigners([old], new Set())).toEqual({ signers: [old], extensions: [], added: old });
    expect(chooseSigners([old], new Set([old.verifierKey]))).toEqual({
      signers: [old],
      extensions: [],
      added: undefined,
    });
    const rotated = chooseSigners([old, current], new Set([old.verifierKey]));
    expect(rotated).toEqual({ signers: [old, current], extensions: [`key ${current.verifierKey}`], added: current });
    const note = signCheckpoint({ ...next(headOf('a')), extensions: rotated.extensions }, rotated.signers);
    expect(openCheckpoint(note, ORIGIN, [old]).extensions).toEqual([`key ${current.verifierKey}`]);
    expect(chooseSigners([old, current], new Set([old.verifierKey, current.verifierKey])).signers).toEqual([current]);
  });

  it('is a new one alone where no known key is left, and none is a fault', () => {
    expect(chooseSigners([current], new Set([old.verifierKey]))).toMatchObject({ signers: [current], added: current });
    expect(() => chooseSigners([], new Set())).toThrow(RangeError);
  });
});
