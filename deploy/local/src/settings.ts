import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { INFRASTRUCTURE_PARTS, PORTS_PER_STACK, type InfrastructurePart } from './domain/parts.js';

const DEFAULT_PORT = 8080;

/** Any of these makes a real provider usable with the shipped weir.yaml. */
const PROVIDER_KEYS = [
  'OPENAI_API_KEY',
  'ANTHROPIC_API_KEY',
  'DEEPSEEK_API_KEY',
  'DASHSCOPE_API_KEY',
  'AWS_BEARER_TOKEN_BEDROCK',
  'AWS_ACCESS_KEY_ID',
];

/** What may pass from our environment to every child: no secret is among it. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_ENV', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];
/** Settings of services that a person or a test may set for all of them. */
const PASSED_ON_PREFIX = 'WEIR_';
/** Ours alone: a child never sees them. */
const KEPT_BACK = new Set(['WEIR_HOME', 'WEIR_PORT']);

export interface StartOptions {
  readonly port: number;
  readonly isPortGiven: boolean;
  readonly home: string;
  /** Only these parts are started and no service; absent: the whole stack. */
  readonly infrastructure: readonly InfrastructurePart[] | undefined;
  /** The stack ends when the process that started it is gone, not only when npm is. */
  readonly endsWithParent: boolean;
  readonly isStartedByNpm: boolean;
  readonly hasProviderKey: boolean;
  /** Where the services' folders are, where not in this repository: stand-ins in tests of the supervisor. */
  readonly servicesDirectory: string | undefined;
  /** For every child: no secret of the person who started us is in it. */
  readonly childEnvironment: Readonly<Record<string, string>>;
  /** For `control` alone: everything, since weir.yaml may name any variable as a secret. */
  readonly secretEnvironment: Readonly<Record<string, string>>;
}

/** A mistake of the person who started us: printed with its cure, without a stack. */
export class StartFault extends Error {
  constructor(
    readonly what: string,
    readonly cure: string,
  ) {
    super(`${what} ${cure}`);
    this.name = 'StartFault';
  }
}

/** Reads the command line and the environment. Throws StartFault naming the option and what it takes. */
export function parseStartOptions(argv: readonly string[]): StartOptions {
  const { values } = parseCommandLine(argv);
  const environment = process.env;
  const given = values.port ?? environment['WEIR_PORT'];
  return {
    port: given === undefined ? DEFAULT_PORT : parsePort(given),
    isPortGiven: given !== undefined,
    home: resolve(values.home ?? environment['WEIR_HOME'] ?? '.weir'),
    infrastructure: values.infrastructure === undefined ? undefined : parseParts(values.infrastructure),
    endsWithParent: values['end-with-parent'] ?? false,
    isStartedByNpm: environment['npm_lifecycle_event'] !== undefined,
    hasProviderKey: PROVIDER_KEYS.some((name) => (environment[name] ?? '') !== ''),
    servicesDirectory: environment['WEIR_SERVICES_DIRECTORY'],
    childEnvironment: pick(
      environment,
      (name) => !KEPT_BACK.has(name) && (PASSED_ON.includes(name) || name.startsWith(PASSED_ON_PREFIX)),
    ),
    secretEnvironment: pick(environment, (name) => !KEPT_BACK.has(name) && !name.startsWith('npm_')),
  };
}

function parseCommandLine(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        home: { type: 'string' },
        infrastructure: { type: 'string' },
        'end-with-parent': { type: 'boolean' },
        'no-build': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new StartFault(
      error instanceof Error ? error.message : String(error),
      'Known options: --port N, --home DIR, --infrastructure nats,postgres,clickhouse,simulator, --end-with-parent, --no-build.',
    );
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1024 || port > 65_535 - PORTS_PER_STACK) {
    throw new StartFault(
      `--port ${text} is not a usable port.`,
      `Give a number from 1024 to ${65_535 - PORTS_PER_STACK}; the ${PORTS_PER_STACK} ports from it upwards belong to the stack.`,
    );
  }
  return port;
}

function parseParts(text: string): InfrastructurePart[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !(INFRASTRUCTURE_PARTS as readonly string[]).includes(name));
  if (unknown.length > 0 || names.length === 0) {
    throw new StartFault(
      `--infrastructure ${text}: unknown part ${unknown.join(', ') || '(none given)'}.`,
      `Known parts: ${INFRASTRUCTURE_PARTS.join(', ')}.`,
    );
  }
  return names as InfrastructurePart[];
}

function pick(environment: NodeJS.ProcessEnv, isWanted: (name: string) => boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value !== '' && isWanted(name)) picked[name] = value;
  }
  return picked;
}
