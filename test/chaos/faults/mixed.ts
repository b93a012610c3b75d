import type { Fault, Scene } from '../fault.js';
import { lasting } from '../lasting.js';
import { killAndWait, pauseFor } from './processes.js';

const FAULTS_OF_A_ROUND = { short: 4, full: 12 } as const;
const KILLED = ['ingress', 'router', 'providers', 'audit', 'billing', 'nats', 'postgres', 'clickhouse'] as const;
const PAUSED = ['ingress', 'router', 'providers', 'audit', 'billing', 'postgres', 'clickhouse'] as const;

/** One fault after the other, some before the one before is over; those of one process never at once. */
async function runRound(scene: Scene): Promise<void> {
  const { random } = scene;
  const failures: unknown[] = [];
  const running = new Map<string, Promise<void>>();
  for (let left = FAULTS_OF_A_ROUND[scene.isFull ? 'full' : 'short']; left > 0; left--) {
    const isKill = random.chance(0.6);
    const name = isKill ? random.pick(KILLED) : random.pick(PAUSED);
    const pauseMs = random.between(500, 7_000);
    const work = (): Promise<void> => (isKill ? killAndWait(scene, name) : pauseFor(scene, name, pauseMs));
    const before = running.get(name) ?? Promise.resolve();
    running.set(
      name,
      before.then(work).catch((error: unknown) => void failures.push(error)),
    );
    await lasting(random.between(300, 3_000));
  }
  await Promise.all(running.values());
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
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
