/** Settings of the ClickHouse front; the supervisor sets them all. */
export interface FrontSettings {
  readonly port: number;
  readonly dataDirectory: string;
  readonly database: string;
  readonly writer: Account;
  readonly reader: Account;
  readonly limits: FrontLimits;
}

export interface Account {
  readonly user: string;
  readonly password: string;
}

/** What a reader may use, and how many may wait. */
export interface FrontLimits {
  readonly readers: number;
  readonly readersWaiting: number;
  readonly writersWaiting: number;
  readonly executionSeconds: number;
  readonly memoryBytes: number;
  readonly resultRows: number;
  readonly bodyBytes: number;
}

const MEBIBYTE = 1024 * 1024;

/** Reads the environment; throws naming every setting that is missing. */
export function readFrontSettings(environment: NodeJS.ProcessEnv = process.env): FrontSettings {
  const missing: string[] = [];
  const required = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') missing.push(name);
    return value ?? '';
  };
  const settings: FrontSettings = {
    port: Number(required('WEIR_FRONT_PORT')),
    dataDirectory: required('WEIR_FRONT_DATA'),
    database: required('WEIR_FRONT_DATABASE'),
    writer: { user: required('WEIR_FRONT_WRITER'), password: required('WEIR_FRONT_WRITER_PASSWORD') },
    reader: { user: required('WEIR_FRONT_READER'), password: required('WEIR_FRONT_READER_PASSWORD') },
    limits: {
      readers: number(environment, 'WEIR_FRONT_READERS', 3),
      readersWaiting: number(environment, 'WEIR_FRONT_READERS_WAITING', 32),
      writersWaiting: number(environment, 'WEIR_FRONT_WRITERS_WAITING', 256),
      executionSeconds: number(environment, 'WEIR_FRONT_READER_SECONDS', 60),
      memoryBytes: number(environment, 'WEIR_FRONT_READER_MEMORY_BYTES', 1024 * MEBIBYTE),
      resultRows: number(environment, 'WEIR_FRONT_READER_RESULT_ROWS', 1_000_000),
      bodyBytes: number(environment, 'WEIR_FRONT_BODY_BYTES', 256 * MEBIBYTE),
    },
  };
  if (missing.length > 0) throw new Error(`missing settings: ${missing.join(', ')}`);
  return settings;
}

function number(environment: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const value = environment[name];
  const parsed = value === undefined || value === '' ? otherwise : Number(value);
  if (!Number.isFinite(parsed) || parsed < 0) throw new Error(`${name} must be a number, not ${value}`);
  return parsed;
}
