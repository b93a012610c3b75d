import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, type BusConnection } from '@weir/bus';
import { startStack, type RunningStack } from '@weir/testing';
import { Invoice } from './checker/invoice.js';
import { MemoryWatch } from './checker/memory-watch.js';
import { CHAOS_CONFIGURATION } from './configuration.js';
import type { Outcome } from './load/outcome.js';
import { mountDisks, unmountDisks } from './small-disks.js';
import { Switches } from './switches.js';

/** A stack of its own, and everything that is held against it: it is shared by many faults, so what one breaks the next one shows too. */
export interface ChaosStack {
  readonly stack: RunningStack;
  readonly switches: Switches;
  readonly bus: BusConnection;
  readonly invoice: Invoice;
  readonly memory: MemoryWatch;
  /** What every client has seen since the start. */
  readonly outcomes: Outcome[];
  /** Its disks can be full: while a journal is, refusals stand in a metric alone. */
  readonly hasSmallDisks: boolean;
  /** What has been found before: the record is shared, so one loss would show after every later fault. */
  readonly known: Set<string>;
  /** Where nothing failed the home is deleted; else it is kept, with the logs. */
  stop(keepsHome: boolean): Promise<void>;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface ChaosStackOptions {
  /** Small file systems for what the stack keeps: needs root. */
  readonly hasSmallDisks?: boolean;
}

/** Starts it on free ports in a new home. */
export async function startChaosStack({ hasSmallDisks = false }: ChaosStackOptions = {}): Promise<ChaosStack> {
  const home = mkdtempSync(join(tmpdir(), 'weir-chaos-'));
  const release = (folders: readonly string[]): void => {
    if (hasSmallDisks) unmountDisks(home);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  };
  try {
    if (hasSmallDisks) mountDisks(home);
    const switches = new Switches(home);
    const stack = await startStack({ home, configuration: CHAOS_CONFIGURATION, environment: switches.environment });
    return await describeStack(stack, { switches, hasSmallDisks, release });
  } catch (error) {
    release([home]);
    throw error;
  }
}

interface StackParts {
  readonly switches: Switches;
  readonly hasSmallDisks: boolean;
  /** Lets go of mounts, and of these folders. */
  readonly release: (folders: readonly string[]) => void;
}

async function describeStack(
  stack: RunningStack,
  { switches, hasSmallDisks, release }: StackParts,
): Promise<ChaosStack> {
  const { host, username: user, password } = new URL(stack.connection.nats.url);
  const bus = await connectBus({ url: `nats://${host}`, user, password, name: 'chaos' });
  const memory = new MemoryWatch(stack);
  const stop = async (keepsHome: boolean): Promise<void> => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    memory.close();
    await bus.close();
    await stack.stop();
    const { postgresFolder } = stack.connection.internal;
    if (keepsHome) console.log(`kept for a look: ${stack.home}`);
    release(keepsHome ? [] : [stack.home, ...(postgresFolder === undefined ? [] : [postgresFolder])]);
  };
  // Whoever interrupts a run wants neither its mounts nor its processes.
  const onSignal = (): void => void stop(true).finally(() => process.exit(1));
  for (const signal of SIGNALS) process.once(signal, onSignal);
  return {
    stack,
    switches,
    bus,
    memory,
    invoice: new Invoice(stack.connection.simulator.url),
    outcomes: [],
    hasSmallDisks,
    known: new Set(),
    stop,
  };
}
