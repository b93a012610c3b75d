import type { BusConnection } from '@weir/bus';
import type { RunningStack } from '@weir/testing';
import type { Load } from './load/load.js';
import type { Random } from './random.js';
import type { Switches } from './switches.js';

/** What a fault works on: a running stack under a running load. */
export interface Scene {
  readonly stack: RunningStack;
  readonly load: Load;
  /** This fault's own choices, from the seed. */
  readonly random: Random;
  readonly isFull: boolean;
  /** Failpoints and clocks of the stack's processes. */
  readonly switches: Switches;
  /** Everything is open to it: for what a fault publishes itself. */
  readonly bus: BusConnection;
}

export interface Fault {
  readonly name: string;
  /** In one line, for `--list` and the report. */
  readonly does: string;
  /** Part of the short set, which continuous integration runs. */
  readonly isShort: boolean;
  /** The process that holds the clients' connections dies or is stopped: a broken connection is what they must see. */
  readonly breaksConnections?: boolean;
  /** Its folders must be small file systems: it has a stack of its own, which needs root. */
  readonly needsMounts?: boolean;
  /** Injects the fault and heals it. The load runs before, meanwhile and after. */
  run(scene: Scene): Promise<void>;
}
