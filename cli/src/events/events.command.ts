import { parseArgs } from 'node:util';
import { openStack, type StackAccess } from '../audit/stack-access.js';
import { UsageError, type Command } from '../command.js';
import { readHome } from '../settings.js';
import { renderTable } from '../table.js';
import { isOfReplay, readDeadLetters, type DeadLetter } from './dead-letters.js';
import { openBus } from './land-event.js';
import { planReplay, replayLetter, type ReplayOutcome } from './replay.js';

const OPTIONS = {
  home: { type: 'string' },
  json: { type: 'boolean' },
  sink: { type: 'string' },
  reason: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  run: { type: 'boolean' },
} as const;

const parse = (commandArguments: readonly string[]) =>
  parseArgs({ args: [...commandArguments], options: OPTIONS, allowPositionals: true });
type Parsed = ReturnType<typeof parse>;

/** `weir events`: what could not be landed, and landing it after all. */
export const eventsCommand: Command = {
  usage: `weir events dead-letters [--sink S] [--reason R] [--from TIME] [--to TIME] [--json]
                                               what could not be landed, and why
weir events replay [ID...] [--sink S] [--reason R] [--from TIME] [--to TIME] [--run] [--json]
                                               lands these again after a cure; without --run only says what it would do.
                                               Ends with 1 where one cannot be, or has failed again`,

  async run(commandArguments) {
    const parsed = parse(commandArguments);
    const [name, ...ids] = parsed.positionals;
    if (name === 'dead-letters') return withLetters(parsed, ids, (letters) => list(parsed, letters));
    if (name === 'replay')
      return withLetters(parsed, ids, (letters, access) =>
        replay(parsed, ids.length > 0 ? letters : letters.filter((letter) => !isOfReplay(letter)), access),
      );
    throw new UsageError('weir events takes dead-letters, replay');
  },
};

async function withLetters(
  { values }: Parsed,
  ids: readonly string[],
  work: (letters: readonly DeadLetter[], access: StackAccess) => number | Promise<number>,
): Promise<number> {
  const filter = { sink: values.sink, reason: values.reason, from: timeOf(values.from), to: timeOf(values.to) };
  const access = await openStack(readHome(values.home));
  try {
    const letters = await readDeadLetters(access.warehouse, filter);
    const unknown = ids.find((id) => !letters.some((letter) => letter.id === id));
    if (unknown !== undefined) throw new UsageError(`There is no dead letter ${unknown}.`);
    return await work(ids.length === 0 ? letters : letters.filter(({ id }) => ids.includes(id)), access);
  } finally {
    await access.close();
  }
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`Not a time: ${text}. Give ISO 8601, as in 2026-11-22T09:00:00Z.`);
  return time;
}

function list({ values }: Parsed, letters: readonly DeadLetter[]): number {
  if (values.json === true) console.log(JSON.stringify(letters, null, 2));
  else if (letters.length === 0) console.log('There are no dead letters.');
  else {
    const rows = letters.map(({ id, landedAt, sink, reason, producerId, epoch, sequence, detail }) => [
      ...[id, landedAt, sink, reason],
      producerId === null ? '' : `${producerId}:${epoch}:${sequence}`,
      detail.slice(0, 80),
    ]);
    console.log(renderTable(['id', 'landed', 'sink', 'reason', 'producer:epoch:sequence', 'detail'], rows));
  }
  return 0;
}

async function replay({ values }: Parsed, letters: readonly DeadLetter[], access: StackAccess): Promise<number> {
  const outcomes = values.run === true ? await replayAll(values.home, letters, access) : await planAll(letters, access);
  if (values.json === true) console.log(JSON.stringify(outcomes, null, 2));
  else if (outcomes.length === 0) console.log('There are no dead letters.');
  else {
    console.log(
      renderTable(
        ['id', 'outcome', 'detail'],
        outcomes.map(({ id, outcome, detail }) => [id, outcome.replaceAll('_', ' '), detail]),
      ),
    );
    if (values.run !== true) console.log('\nNothing was changed. With --run these are landed again.');
  }
  return outcomes.some(({ outcome }) => outcome === 'cannot_be_replayed' || outcome === 'failed_again') ? 1 : 0;
}

async function planAll(letters: readonly DeadLetter[], { warehouse }: StackAccess): Promise<readonly ReplayOutcome[]> {
  const outcomes: ReplayOutcome[] = [];
  for (const letter of letters) outcomes.push(await planReplay(warehouse, letter));
  return outcomes;
}

async function replayAll(
  home: string | undefined,
  letters: readonly DeadLetter[],
  access: StackAccess,
): Promise<readonly ReplayOutcome[]> {
  const bus = await openBus(readHome(home));
  const outcomes: ReplayOutcome[] = [];
  try {
    for (const letter of letters) outcomes.push(await replayLetter({ ...access, bus }, letter));
    return outcomes;
  } finally {
    await bus.close();
  }
}
