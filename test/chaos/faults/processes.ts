import type { Fault, Scene } from '../fault.js';
import { lasting } from '../lasting.js';
import { listProcessTree } from '../checker/memory-watch.js';

const RESTART_MS = 90_000;
const SERVICES = ['ingress', 'router', 'providers', 'audit', 'billing'] as const;
/** Long enough that everybody notices: an ingress counts as lost after 5 s, a sink is deposed after as long. */
const PAUSE_MS = 8_000;
/** Killed so often, each time under load. */
const KILLS = { short: 1, full: 2 } as const;

/** Kills a process and waits until the supervisor's new one is ready. */
export async function killAndWait({ stack }: Scene, name: string): Promise<void> {
  const pid = stack.kill(name);
  await stack.waitForRestart(name, pid, RESTART_MS);
}

/** Stops a process with all its children for so long. */
export async function pauseFor({ stack }: Scene, name: string, milliseconds: number): Promise<void> {
  const pids = listProcessTree(stack.pidOf(name));
  try {
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await lasting(milliseconds);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}

const kill = (name: string, isShort: boolean): Fault => ({
  name: `kill-${name}`,
  does: `kill -9 of ${name} under load`,
  isShort,
  breaksConnections: name === 'ingress',
  run: async (scene) => {
    for (let kills = 0; kills < (scene.isFull ? KILLS.full : KILLS.short); kills++) {
      if (kills > 0) await scene.load.goesOn(10, RESTART_MS);
      await lasting(scene.random.between(0, 500));
      await killAndWait(scene, name);
    }
  },
});

const pause = (name: string): Fault => ({
  name: `pause-${name}`,
  does: `SIGSTOP of ${name} for ${PAUSE_MS / 1_000} s under load, then SIGCONT`,
  isShort: false,
  breaksConnections: name === 'ingress',
  run: (scene) => pauseFor(scene, name, PAUSE_MS),
});

const SHORT_KILLS: readonly string[] = ['ingress', 'providers'];

export const processFaults: readonly Fault[] = [
  ...SERVICES.map((name) => kill(name, SHORT_KILLS.includes(name))),
  ...SERVICES.map((name) => pause(name)),
];
