import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, type BusConnection } from '@weir/bus';
import { startStack, type RunningStack } from '@weir/testing';
import { Invoice } from './checker/invoice.js';
import { MemoryWatch } from './checker/memory-watch.js';
import { CHAOS_CONFIGURATION } from './configuration.js';
import type { Outcome } from './load/outcome.js';
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
  /** Where nothing failed the home is deleted; else it is kept, with the logs. */
  stop(keepsHome: boolean): Promise<void>;
}

/** Starts it on free ports in a new home. */
export async function startChaosStack(): Promise<ChaosStack> {
  const home = mkdtempSync(join(tmpdir(), 'weir-chaos-'));
  const switches = new Switches(home);
  const stack = await startStack({ home, configuration: CHAOS_CONFIGURATION, environment: switches.environment });
  const { host, username: user, password } = new URL(stack.connection.nats.url);
  const bus = await connectBus({ url: `nats://${host}`, user, password, name: 'chaos' });
  const memory = new MemoryWatch(stack);
  return {
    stack,
    switches,
    bus,
    memory,
    invoice: new Invoice(stack.connection.simulator.url),
    outcomes: [],
    stop: async (keepsHome) => {
      memory.close();
      await bus.close();
      await stack.stop();
      const { postgresFolder } = stack.connection.internal;
      const folders = [home, ...(postgresFolder === undefined ? [] : [postgresFolder])];
      if (keepsHome) console.log(`kept for a look: ${home}`);
      else for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}
