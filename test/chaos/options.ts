import { parseArgs } from 'node:util';
import { FAULTS } from './faults/catalogue.js';
import type { Fault } from './fault.js';
import { Random } from './random.js';

/** The same at every run, so that what continuous integration saw can be seen again. */
const DEFAULT_SEED = 20_261_122;

export interface ChaosOptions {
  readonly seed: number;
  readonly set: 'short' | 'full';
  /** In the order in which they are injected. */
  readonly faults: readonly Fault[];
  /** Instead of faults one by one: so many calls with kills at random. */
  readonly calls: number | undefined;
  readonly isList: boolean;
}

/** A mistake on the command line. */
export class UsageFault extends Error {}

export const USAGE = `npm run chaos -- [--seed N] [--set short|full] [--fault NAME[,NAME]] [--calls N] [--list]
  --set     short: what continuous integration runs, under 6 minutes (default); full: every fault
  --fault   only these, by name, in this order
  --calls   so many calls with random kills, then the record, the ledger and the invoice compared
  --seed    a whole number; everything that is chosen follows from it (default ${DEFAULT_SEED})
  --list    names every fault and what it does`;

/** @throws UsageFault naming the option and what it takes. */
export function parseOptions(argv: readonly string[]): ChaosOptions {
  const { seed: seedText, set = 'short', fault, calls, list } = parse(argv);
  if (set !== 'short' && set !== 'full') throw new UsageFault(`--set takes short or full, not ${set}`);
  const seed = seedText === undefined ? DEFAULT_SEED : parseNumber('seed', seedText);
  return {
    seed,
    set,
    faults: fault === undefined ? schedule(seed, set) : fault.split(',').map(findFault),
    calls: calls === undefined ? undefined : parseNumber('calls', calls),
    isList: list ?? false,
  };
}

/** The faults of a set in the seed's order. Those with a stack of their own come last. */
function schedule(seed: number, set: ChaosOptions['set']): Fault[] {
  const chosen = FAULTS.filter((one) => set === 'full' || one.isShort);
  const shuffled = Random.of(seed, 'schedule').shuffle(chosen);
  return [...shuffled.filter((one) => one.needsMounts !== true), ...shuffled.filter((one) => one.needsMounts === true)];
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: { seed: text, set: text, fault: text, calls: text, list: { type: 'boolean' } },
    }).values;
  } catch (error) {
    throw new UsageFault(error instanceof Error ? error.message : String(error));
  }
}

function parseNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new UsageFault(`--${name} takes a whole number, not ${text}`);
  return number;
}

function findFault(name: string): Fault {
  const found = FAULTS.find((one) => one.name === name);
  if (!found) throw new UsageFault(`there is no fault ${name}; --list names them all`);
  return found;
}
