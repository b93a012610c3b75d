/**
 * Loaded into every process of a stack under test before anything else (`node --import`): the wall clock of a service jumps by what stands in
 * the file of its name. Monotonic time goes on, as it does where a real clock is set.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readClockFolder } from './settings.js';

const POLL_MS = 100;

const { folder, service } = readClockFolder();
if (folder !== undefined && service !== undefined) jumpWith(join(folder, service));

function jumpWith(file: string): void {
  const RealDate = Date;
  let offsetMs = 0;
  class JumpingDate extends RealDate {
    constructor(...parameters: readonly unknown[]) {
      if (parameters.length === 0) super(RealDate.now() + offsetMs);
      else super(...(parameters as [number]));
    }

    static override now(): number {
      return RealDate.now() + offsetMs;
    }
  }
  globalThis.Date = JumpingDate as DateConstructor;
  const look = (): void => {
    offsetMs = readOffset(file);
  };
  look();
  setInterval(look, POLL_MS).unref();
}

function readOffset(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
