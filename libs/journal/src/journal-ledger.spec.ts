import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JournalLedger, type LedgerSegment } from './journal-ledger.js';

type Command =
  | { readonly kind: 'open'; readonly key: string }
  | { readonly kind: 'close'; readonly key: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'rotate' }
  | { readonly kind: 'release'; readonly share: number };

const commands = fc.array(
  fc.oneof<fc.Arbitrary<Command>[]>(
    fc.record({ kind: fc.constant('open' as const), key: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
    fc.record({ kind: fc.constant('close' as const), key: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
    fc.record({ kind: fc.constant('other' as const) }),
    fc.record({ kind: fc.constant('rotate' as const) }),
    fc.record({ kind: fc.constant('release' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  ),
  { maxLength: 60 },
);

/** A line as a disk would hold it. */
interface DiskLine {
  readonly sequence: number;
  readonly opens?: string;
  readonly closes?: string;
  readonly carried?: boolean;
}

/** A ledger and the disk it speaks of, kept in step as a journal keeps them. */
class Model {
  readonly disk = new Map<LedgerSegment, DiskLine[]>();
  readonly ledger = new JournalLedger();
  readonly openNow = new Set<string>();
  private current: LedgerSegment;
  private last = 0;
  released = 0;

  constructor() {
    this.current = this.rotate();
  }

  run(command: Command): void {
    switch (command.kind) {
      case 'open':
        this.openNow.add(command.key);
        return this.write({ opens: command.key });
      case 'close':
        this.openNow.delete(command.key);
        return this.write({ closes: command.key });
      case 'other':
        return this.write({});
      case 'rotate':
        this.current = this.rotate();
        return;
      case 'release':
        return this.release(Math.floor(command.share * this.last));
    }
  }

  private write(meaning: { opens?: string; closes?: string }): void {
    const sequence = ++this.last;
    this.disk.get(this.current)?.push({ sequence, ...meaning });
    const line = { sequence, line: Buffer.from(`${sequence}`), opens: meaning.opens, closes: meaning.closes };
    this.ledger.written(this.current, [line], 10);
  }

  private rotate(): LedgerSegment {
    const segment = this.ledger.addSegment(1, this.last + 1);
    this.disk.set(segment, []);
    return segment;
  }

  private release(through: number): void {
    this.released = Math.max(this.released, through);
    this.ledger.release(1, through);
    const { deletable, carry } = this.ledger.plan();
    for (const { key, line } of carry) {
      this.disk.get(this.current)?.push({ sequence: 0, opens: key, carried: true });
      this.ledger.carried({ segment: this.current, key, line, bytes: 10, isRecovery: false });
    }
    for (const segment of deletable) {
      this.ledger.deleted(segment);
      this.disk.delete(segment);
    }
  }

  /** What a new process would find open, reading the disk from its first line. */
  openAfterCrash(): Set<string> {
    const open = new Set<string>();
    for (const lines of this.disk.values()) {
      for (const { opens, closes } of lines) {
        if (closes !== undefined) open.delete(closes);
        if (opens !== undefined) open.add(opens);
      }
    }
    return open;
  }

  lines(): number[] {
    return [...this.disk.values()]
      .flat()
      .filter(({ carried }) => carried !== true)
      .map(({ sequence }) => sequence);
  }

  get lastSequence(): number {
    return this.last;
  }
}

const after = (list: readonly Command[]) => {
  const model = new Model();
  for (const command of list) model.run(command);
  return model;
};

describe('JournalLedger', () => {
  it('never lets a line be deleted that is not released', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const model = after(list);
        const held = new Set(model.lines());
        for (let sequence = model.released + 1; sequence <= model.lastSequence; sequence++) {
          expect(held.has(sequence)).toBe(true);
        }
      }),
    );
  });

  it('lets a new process find open what is open, and nothing else, whatever was deleted', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const model = after(list);
        expect(model.openAfterCrash()).toEqual(model.openNow);
        expect(model.ledger.openCount).toBe(model.openNow.size);
      }),
    );
  });

  it('counts the bytes that are on the disk', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const model = after(list);
        expect(model.ledger.bytes).toBe([...model.disk.values()].flat().length * 10);
      }),
    );
  });

  it('keeps one segment at least, so that the end of the epoch is known', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const model = after(list);
        expect(model.disk.size).toBeGreaterThanOrEqual(1);
        const end = model.ledger.endBefore(2);
        const expected = model.lastSequence === 0 ? null : { epoch: 1, lastSequence: model.lastSequence };
        expect(end).toEqual(expected);
      }),
    );
  });

  it('names what is unreleased as one range an epoch', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const model = after(list);
        const [range, ...others] = model.ledger.unreleased();
        expect(others).toEqual([]);
        if (model.released >= model.lastSequence) expect(range).toBeUndefined();
        else expect(range).toEqual({ epoch: 1, first: model.released + 1, last: model.lastSequence });
      }),
    );
  });

  it('skips epochs without a line when it says where the one before ended', () => {
    const ledger = new JournalLedger();
    const first = ledger.addSegment(1, 1);
    ledger.written(first, [{ sequence: 1, line: Buffer.alloc(1), opens: undefined, closes: undefined }], 2);
    ledger.addSegment(2, 1);
    expect(ledger.endBefore(3)).toEqual({ epoch: 1, lastSequence: 1 });
  });
});
