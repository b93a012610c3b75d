export interface ScheduleSettings {
  /** How many schedules; 2,000 by default, 10,000 in `.ci/run`. */
  readonly schedules: number;
  /** The first one's seed; each that follows has the next number. */
  readonly seed: number;
}

const SCHEDULES = 2_000;

/** Reads WEIR_SCHEDULES and WEIR_SEED. @throws RangeError where one is not a whole number from 1. */
export function scheduleSettings(): ScheduleSettings {
  return { schedules: readCount('WEIR_SCHEDULES', SCHEDULES), seed: readCount('WEIR_SEED', 1) };
}

function readCount(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is a whole number from 1`);
  return value;
}
