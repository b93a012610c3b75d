import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of a home that are file systems of their own. */
const DISKS = ['nats', 'journals', 'clickhouse'] as const;
export type SmallDisk = (typeof DISKS)[number];

/** JetStream takes a stream only where its whole size would fit; a tmpfs takes memory only for what is in it. */
const ROOMY = '8g';

/** File systems cannot be mounted here: it takes root. */
export class MountRefused extends Error {}

/** @throws MountRefused */
export function mountDisks(home: string): void {
  for (const disk of DISKS) {
    const folder = join(home, disk);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mount('-t', 'tmpfs', '-o', `size=${ROOMY},mode=700`, 'weir-chaos', folder);
  }
}

/** Lets them go. One that was never mounted is none; one that stays keeps its folder, which then cannot be deleted. */
export function unmountDisks(home: string): void {
  for (const disk of DISKS) spawnSync('umount', ['--lazy', join(home, disk)], { stdio: 'ignore' });
}

const TRIES = 50;

/** Shrinks a disk to what is on it: not a page is free. What is written between the look and the deed asks for another try. */
export function fillDisk(home: string, disk: SmallDisk): void {
  const folder = join(home, disk);
  for (let left = TRIES; ; left--) {
    const { blocks, bfree, bsize } = statfsSync(folder);
    try {
      mount('-o', `remount,size=${(blocks - bfree) * bsize}`, folder);
      return;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

export function freeDisk(home: string, disk: SmallDisk): void {
  mount('-o', `remount,size=${ROOMY}`, join(home, disk));
}

function mount(...parameters: string[]): void {
  try {
    execFileSync('mount', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new MountRefused(`mount ${parameters.join(' ')}`, { cause: error });
  }
}
