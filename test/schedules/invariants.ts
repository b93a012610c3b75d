import { AttemptFinishedV1, CallFinishedV1, ProducerAliveV1, SINKS } from '@weir/contracts';
import { Frontier, RangeRoots, consistencyRanges, isConsistent, isSameHash, leafHash, type Hash } from '@weir/translog';
import type { WrittenEvent } from './record-watch.js';
import { originOf, type LandedRow } from './landed-row.js';
import type { Row } from './simulated-postgres.js';
import { InvariantError } from './simulation.js';
import type { World } from './world.js';

function demand(holds: boolean, invariant: string, detail: () => string): void {
  if (!holds) throw new InvariantError(invariant, detail());
}

/**
 * What must hold of a schedule that has come to rest.
 *
 * @throws InvariantError for the first that does not.
 */
export function checkInvariants(world: World): void {
  const written = [...world.watch.written.values()];
  checkRecord(world, written);
  checkSequences(world, written);
  checkLog(world, written);
  checkLedger(world);
}

/** Every event exactly once in each table that it belongs into, in each view, and nothing else. */
function checkRecord(world: World, written: readonly WrittenEvent[]): void {
  const ofType = (type: string): WrittenEvent[] => written.filter(({ envelope }) => envelope.type === type);
  checkTable(world, 'events', written);
  checkTable(world, 'calls_landed', ofType(CallFinishedV1.type));
  checkTable(world, 'attempts_landed', ofType(AttemptFinishedV1.type));
  checkCharges(world, ofType(AttemptFinishedV1.type));
  demand(world.warehouse.table('dead_letters').rows.length === 0, 'nothing is a dead letter', () => 'one is');
}

function checkTable(world: World, name: string, expected: readonly WrittenEvent[]): void {
  const { rows, view } = world.warehouse.table(name);
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(originOf(row), (counts.get(originOf(row)) ?? 0) + 1);
  for (const { origin } of expected) {
    const count = counts.get(origin) ?? 0;
    demand(count === 1, `every event is landed exactly once in ${name}`, () => `${origin} is there ${count} times`);
    demand(view.get(origin) === 1, `… and counted once by a view of ${name}`, () => origin);
  }
  demand(counts.size === expected.length, `nothing else is landed in ${name}`, () => `${counts.size} events`);
}

/** One row a line of an attempt's event. */
function checkCharges(world: World, expected: readonly WrittenEvent[]): void {
  const lines = new Map<string, number>();
  for (const row of world.warehouse.table('charges_landed').rows) {
    const line = `${originOf(row)} line ${row['line'] ?? ''}`;
    lines.set(line, (lines.get(line) ?? 0) + 1);
  }
  const twice = [...lines].find(([, count]) => count !== 1);
  demand(twice === undefined, 'every line is charged exactly once', () => twice?.join(' ') ?? '');
  // A bound and a count of these calls have two lines each that are not empty.
  demand(lines.size === expected.length * 2, 'every attempt is charged', () => `${lines.size} lines`);
}

/** No gap, also at the tail: what a producer says it had written by then has landed, as has all that its epoch before had. */
function checkSequences(world: World, written: readonly WrittenEvent[]): void {
  const last = new Map<string, number>();
  for (const { envelope } of written) {
    const key = `${envelope.producerId}:${envelope.epoch}`;
    last.set(key, Math.max(last.get(key) ?? 0, envelope.sequence));
  }
  for (const [key, sequence] of last)
    for (const sink of SINKS) {
      const mark = world.postgres.table(`${sink}.watermarks`).get(key);
      const isWhole = Number(mark?.['through']) === sequence && (mark?.['above'] as unknown[]).length === 0;
      demand(
        isWhole,
        'sequences have no gap',
        () => `${sink} has ${JSON.stringify(mark)} of ${key}, which has ${sequence}`,
      );
    }
  for (const { envelope } of written) {
    if (envelope.type !== ProducerAliveV1.type) continue;
    const { lastSequence, previous } = envelope.data as AliveData;
    const before = previous && last.get(`${envelope.producerId}:${previous.epoch}`);
    demand(lastSequence === envelope.sequence - 1, 'producer.alive tells the tail', () => JSON.stringify(envelope));
    demand(!previous || before === previous.lastSequence, 'an epoch tells where the one before ended', () =>
      JSON.stringify(envelope),
    );
  }
}

interface AliveData {
  readonly lastSequence: number;
  readonly previous: { readonly epoch: number; readonly lastSequence: number } | null;
}

/** The log holds each landed event's leaf once, its head is its root, and every head that was seen is a beginning of it. */
function checkLog(world: World, written: readonly WrittenEvent[]): void {
  const rows = [...world.warehouse.table('log_leaves').rows];
  rows.sort((a, b) => Number(a['leaf_index']) - Number(b['leaf_index']));
  const misplaced = rows.findIndex((row, index) => Number(row['leaf_index']) !== index);
  demand(misplaced < 0, 'every leaf has a place of its own', () => `at ${misplaced}`);
  demand(rows.length === written.length, 'the log holds what has landed', () => `${rows.length} of ${written.length}`);
  for (const row of rows) checkLeaf(world, row);
  const leaves = rows.map((row) => Buffer.from(row['leaf_hash'] ?? '', 'hex'));
  const head = world.heads.at(-1);
  demand(head?.size === leaves.length, 'the head is at the end of the log', () => `${head?.size} of ${leaves.length}`);
  world.heads.forEach(({ size, frontier }, index) => {
    const root = Frontier.decode(size, frontier).root();
    const before = world.heads[index - 1];
    demand(isSameHash(root, rootOf(leaves.slice(0, size))), 'the root is that of the leaves', () => `at ${size}`);
    if (before) checkConsistency(leaves, before, { size, frontier });
  });
}

function checkLeaf(world: World, row: LandedRow): void {
  const event = world.watch.written.get(originOf(row));
  const expected = event && Buffer.from(leafHash(event.leaf)).toString('hex');
  demand(row['leaf_hash'] === expected, 'a leaf is the hash of its event', () => originOf(row));
}

function rootOf(leaves: readonly Hash[]): Hash {
  const frontier = Frontier.empty();
  for (const leaf of leaves) frontier.append(leaf);
  return frontier.root();
}

interface Head {
  readonly size: number;
  readonly frontier: Uint8Array;
}

function checkConsistency(leaves: readonly Hash[], first: Head, second: Head): void {
  demand(first.size <= second.size, 'the log only grows', () => `${first.size} to ${second.size}`);
  const roots = new RangeRoots(consistencyRanges(first.size, second.size));
  for (const leaf of leaves) roots.push(leaf);
  const [firstRoot, secondRoot] = [first, second].map(({ size, frontier }) => Frontier.decode(size, frontier).root());
  if (!firstRoot || !secondRoot) return;
  const claim = { firstSize: first.size, firstRoot, secondSize: second.size, secondRoot, proof: roots.proof() };
  demand(isConsistent(claim), 'every checkpoint is the beginning of the next', () => `${first.size} of ${second.size}`);
}

const STANDING = ['bounded', 'provider'];
const PICO_DIGITS = 12;

const picoOf = (cost: string | null | undefined): bigint => {
  const [whole = '0', fraction = ''] = (cost ?? '0').split('.');
  return BigInt(whole + fraction.padEnd(PICO_DIGITS, '0'));
};

/** What each attempt costs by the event that knows best: the first of those that a provider has counted, else of the bounds. */
function owedByAttempt(charges: readonly LandedRow[]): Map<string, bigint> {
  const best = new Map<string, { readonly standing: number; readonly origin: string }>();
  for (const row of charges) {
    const standing = STANDING.indexOf(row['usage_source'] ?? '');
    const before = best.get(attemptOf(row));
    if (!before || standing > before.standing) best.set(attemptOf(row), { standing, origin: originOf(row) });
  }
  const owed = new Map<string, bigint>();
  for (const row of charges) {
    const attempt = attemptOf(row);
    if (best.get(attempt)?.origin === originOf(row)) owed.set(attempt, (owed.get(attempt) ?? 0n) + picoOf(row['cost']));
  }
  return owed;
}

const attemptOf = (row: LandedRow): string => row['attempt_id'] ?? '';

/** What the ledger holds of each attempt. @throws InvariantError where a line is settled twice. */
function bookedByAttempt(entries: readonly Row[]): Map<string, bigint> {
  const booked = new Map<string, bigint>();
  const settled = new Set<string>();
  for (const entry of entries) {
    const attempt = String(entry['attempt_id']);
    const line = `${attempt} line ${String(entry['line'])}`;
    const settles = entry['kind'] !== 'correction';
    demand(!settles || !settled.has(line), 'every line is settled once', () => line);
    if (settles) settled.add(line);
    booked.set(attempt, (booked.get(attempt) ?? 0n) + BigInt((entry['amount_pico'] ?? '0') as string));
  }
  return booked;
}

/** The ledger is the sum of the charges that are known best, each attempt's counted once. */
function checkLedger(world: World): void {
  const owed = owedByAttempt(world.warehouse.table('charges_landed').rows);
  const booked = bookedByAttempt([...world.postgres.table('billing.ledger_entries').values()]);
  for (const [attempt, amount] of owed)
    demand(
      booked.get(attempt) === amount,
      'the ledger is the sum of the charges',
      () => `attempt ${attempt} costs ${amount} and ${booked.get(attempt) ?? 0n} is booked`,
    );
  demand(booked.size === owed.size, 'nothing else is in the ledger', () => `${booked.size} attempts of ${owed.size}`);
}
