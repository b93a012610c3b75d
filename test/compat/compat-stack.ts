import { startStack, type Connection, type RunningStack } from '@weir/testing';
import { configurationWith } from './fault-targets.js';
import { Settlement } from './settlement.js';

/** The stack that one file of tests runs its SDK against. */
export interface CompatStack {
  readonly connection: Connection;
  readonly settlement: Settlement;
  stop(): Promise<void>;
}

/** @param targets further targets of every simulated model, for calls that fail on purpose; see `modelAt`. */
export async function startCompatStack(targets: readonly string[]): Promise<CompatStack> {
  const stack: RunningStack = await startStack({ configuration: configurationWith(targets) });
  const settlement = new Settlement(stack.connection);
  return {
    connection: stack.connection,
    settlement,
    stop: async () => {
      await settlement.close();
      await stack.stop();
    },
  };
}
