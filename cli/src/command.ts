/** A command was given that cannot be run as it is: exit code 2, and the usage beside it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One command of `weir`. */
export interface Command {
  /** Lines of `weir --help`. */
  readonly usage: string;
  /** Takes what follows its name; returns the exit code: 0, 1 where what was asked does not hold, or 3 where somebody must approve it first. @throws UsageError */
  run(commandArguments: readonly string[]): Promise<number>;
}

/** The value of an option that must be given. @throws UsageError */
export function required(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new UsageError(`--${option} is missing`);
  return value;
}

/** One of a list's values. @throws UsageError naming them. */
export function oneOf<Value extends string>(value: string, values: readonly Value[], option: string): Value {
  const found = values.find((one) => one === value);
  if (found === undefined) throw new UsageError(`--${option} is one of ${values.join(', ')}`);
  return found;
}
