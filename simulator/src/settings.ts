export interface Settings {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** How long requests may go on after the order to stop. */
  readonly drainMs: number;
}

/** @throws Error listing every variable that cannot be read */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const faults: string[] = [];
  const port = readWhole('WEIR_SIMULATOR_PORT', environment['WEIR_SIMULATOR_PORT'] ?? '8083', 65_535, faults);
  const drainMs = readWhole(
    'WEIR_SIMULATOR_DRAIN_MS',
    environment['WEIR_SIMULATOR_DRAIN_MS'] ?? '30000',
    600_000,
    faults,
  );
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { host: environment['WEIR_SIMULATOR_HOST'] ?? '127.0.0.1', port, drainMs };
}

function readWhole(name: string, value: string, max: number, faults: string[]): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number <= max)) faults.push(`${name}: expected a whole number from 0 to ${max}, got '${value}'`);
  return number;
}
