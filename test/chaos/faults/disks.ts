import { eventStreamName } from '@weir/contracts';
import { eventually } from '@weir/testing';
import type { Fault, Scene } from '../fault.js';
import { lasting } from '../lasting.js';
import { fillDisk, freeDisk, type SmallDisk } from '../small-disks.js';
import { getStreamState } from '../stream-access.js';
import { killAndWait } from './processes.js';

const FULL_MS = 8_000;
const ANSWERS_MS = 10_000;

async function fillFor({ stack }: Scene, disk: SmallDisk): Promise<void> {
  fillDisk(stack.home, disk);
  try {
    await lasting(FULL_MS);
  } finally {
    freeDisk(stack.home, disk);
  }
}

/** JetStream 2.9 switches itself off for good when its disk is full: an operator frees the disk and starts it again. */
async function reviveBroker(scene: Scene): Promise<void> {
  try {
    await eventually(() => getStreamState(scene.bus, eventStreamName(0)), { timeoutMs: ANSWERS_MS });
  } catch (error) {
    console.log(
      `     NATS does not recover by itself (${error instanceof Error ? error.message : String(error)}): started again`,
    );
    await killAndWait(scene, 'nats');
  }
}

const full = (disk: SmallDisk, does: string, heal?: (scene: Scene) => Promise<void>): Fault => ({
  name: `full-${disk}`,
  does: `the disk of ${does} is full for ${FULL_MS / 1_000} s under load`,
  isShort: false,
  needsMounts: true,
  run: async (scene) => {
    await fillFor(scene, disk);
    await heal?.(scene);
  },
});

export const diskFaults: readonly Fault[] = [
  full('journals', 'the journals'),
  full('clickhouse', 'ClickHouse'),
  full('nats', 'NATS', reviveBroker),
];
