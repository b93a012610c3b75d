import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SINKS } from '@weir/contracts';
import { eventually } from '@weir/testing';
import type { Fault, Scene } from '../fault.js';
import { lasting } from '../lasting.js';
import { killAndWait } from './processes.js';

const RESTART_MS = 90_000;
/** Events that must have been acknowledged and not landed when the disk goes. */
const CALLS_UNLANDED = 30;
const OUTAGE_MS = 3_000;

/** The broker loses its disk: it is stopped, so that it writes nothing more, its files go, and it dies. Returns its pid. */
function loseDisk({ stack }: Scene): number {
  const pid = stack.kill('nats', 'SIGSTOP');
  const folder = join(stack.home, 'nats');
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  process.kill(pid, 'SIGKILL');
  return pid;
}

/** Wipes the broker while nothing lands, with a producer's death at the same moment where one is named. */
async function wipeUnlanded(scene: Scene, producer?: string): Promise<void> {
  const { stack, load } = scene;
  const sinks = SINKS.map((sink) => stack.kill(sink, 'SIGSTOP'));
  try {
    await load.goesOn(CALLS_UNLANDED, RESTART_MS);
    const dead = producer === undefined ? undefined : stack.kill(producer);
    const pid = loseDisk(scene);
    await stack.waitForRestart('nats', pid, RESTART_MS);
    if (producer !== undefined && dead !== undefined) {
      await eventually(() => (stack.pidOf(producer) === dead ? refuse(producer) : undefined), {
        timeoutMs: RESTART_MS,
      });
    }
  } finally {
    for (const pid of sinks) process.kill(pid, 'SIGCONT');
  }
}

const refuse = (producer: string): never => {
  throw new Error(`${producer} has not been started again`);
};

const wipe = (producer?: 'ingress' | 'providers'): Fault => ({
  name: producer === undefined ? 'wipe-nats' : `wipe-nats-kill-${producer}`,
  does: `NATS loses its disk with events acknowledged and not landed${producer === undefined ? '' : `, and ${producer} dies with it`}`,
  isShort: producer !== 'providers',
  breaksConnections: producer === 'ingress',
  run: (scene) => wipeUnlanded(scene, producer),
});

export const brokerFaults: readonly Fault[] = [
  {
    name: 'kill-nats',
    does: 'kill -9 of NATS under load, and its restart',
    isShort: true,
    run: (scene) => killAndWait(scene, 'nats'),
  },
  {
    name: 'pause-nats',
    does: `SIGSTOP of NATS for ${OUTAGE_MS / 1_000} s under load, then SIGCONT`,
    isShort: false,
    run: async ({ stack }) => {
      const pid = stack.kill('nats', 'SIGSTOP');
      try {
        await lasting(OUTAGE_MS);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  },
  wipe(),
  wipe('ingress'),
  wipe('providers'),
];
