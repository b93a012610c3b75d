import type { Fault, Scene } from '../fault.js';
import { lasting } from '../lasting.js';
import { killAndWait, pauseFor } from './processes.js';

const FAULTS_OF_A_ROUND = { short: 4, full: 12 } as const;
const KILLED = ['ingress', 'router', 'providers', 'audit', 'billing', 'nats', 'postgres', 'clickhouse'] as const;
const PAUSED = ['ingress', 'router', 'providers', 'audit', 'billing', 'postgres', 'clickhouse'] as const;

/** One fault after the other, some before the one before is over: as they come. */
async function runRound(scene: Scene): Promise<void> {
  const { random } = scene;
  const under: Promise<void>[] = [];
  for (let left = FAULTS_OF_A_ROUND[scene.isFull ? 'full' : 'short']; left > 0; left--) {
    const isKill = random.chance(0.6);
    const name = isKill ? random.pick(KILLED) : random.pick(PAUSED);
    const pauseMs = random.between(500, 7_000);
    under.push(once(name, () => (isKill ? killAndWait(scene, name) : pauseFor(scene, name, pauseMs))));
    await lasting(random.between(300, 3_000));
  }
  await Promise.all(under);
}

/** Faults of one process follow each other; two processes may have theirs at once. */
const busy = new Map<string, Promise<void>>();
function once(name: string, work: () => Promise<void>): Promise<void> {
  const running = (busy.get(name) ?? Promise.resolve()).then(work);
  busy.set(name, running);
  return running;
}

export const mixedFaults: readonly Fault[] = [
  {
    name: 'mixed',
    does: 'kills and pauses of any process at random, some at once, as the seed has it',
    isShort: true,
    breaksConnections: true,
    run: runRound,
  },
];
