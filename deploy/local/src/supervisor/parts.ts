import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PHASE } from '../domain/phases.js';
import { buildServiceEnvironment, type ServiceEntry, type StackFacts } from '../domain/service-table.js';
import { StartFault } from '../settings.js';
import type { Home } from '../adapters/home.js';
import type { ChildSpecification } from '../adapters/managed-child.js';
import type { PartContext } from '../adapters/part-context.js';
import { answers, answersOk } from '../adapters/probes.js';

/** The repository (or the unpacked release) this file belongs to. */
export const ROOT = resolve(fileURLToPath(import.meta.url), '../../../../..');

export const CLICKHOUSE_WRITER = 'weir';
export const CLICKHOUSE_READER = 'reader';
export const CLICKHOUSE_DATABASE = 'weir';

/** Longer than a service's own bound of 35 s, so that it ends by itself. */
const SERVICE_DRAIN_MS = 36_000;
/** A loaded machine is slow, not broken; what cannot start dies and is reported long before. */
const READY_MS = 120_000;

/** chDB behind ClickHouse's HTTP interface. */
export function prepareClickHouse({ home, ports, secrets, environment }: PartContext): ChildSpecification {
  const url = `http://127.0.0.1:${ports.clickhouse}`;
  return {
    ...nodeProgram(home, 'clickhouse', fileURLToPath(new URL('../clickhouse-front/main.js', import.meta.url))),
    environment: {
      ...environment,
      // One thread each for the writer, the readers, and short questions beside them.
      UV_THREADPOOL_SIZE: '16',
      WEIR_FRONT_PORT: String(ports.clickhouse),
      WEIR_FRONT_DATA: home.path('clickhouse'),
      WEIR_FRONT_DATABASE: CLICKHOUSE_DATABASE,
      WEIR_FRONT_WRITER: CLICKHOUSE_WRITER,
      WEIR_FRONT_WRITER_PASSWORD: secrets.clickhouseWriterPassword,
      WEIR_FRONT_READER: CLICKHOUSE_READER,
      WEIR_FRONT_READER_PASSWORD: secrets.clickhouseReaderPassword,
    },
    phase: PHASE.clickhouse,
    drainMs: 20_000,
    isReady: () => answersOk(`${url}/ping`),
  };
}

/** The providers' stand-in. */
export function prepareSimulator({ home, ports, environment }: PartContext): ChildSpecification {
  return {
    ...nodeProgram(home, 'simulator', join(ROOT, 'simulator', 'dist', 'main.js')),
    environment: { ...environment, WEIR_SIMULATOR_HOST: '127.0.0.1', WEIR_SIMULATOR_PORT: String(ports.simulator) },
    phase: PHASE.simulator,
    drainMs: 32_000,
    isReady: () => answers(`http://127.0.0.1:${ports.simulator}/`),
  };
}

export interface ServiceContext {
  readonly home: Home;
  readonly facts: StackFacts;
  readonly environment: Readonly<Record<string, string>>;
  /** The folder of the services' folders. */
  readonly directory: string;
}

/** One of Weir's services. */
export function prepareService(entry: ServiceEntry, context: ServiceContext): ChildSpecification {
  const { home, facts, environment, directory } = context;
  const healthUrl = `http://127.0.0.1:${facts.ports.health + entry.slot}/health/ready`;
  return {
    ...nodeProgram(home, entry.name, join(directory, entry.name, 'dist', 'main.js')),
    environment: { ...environment, ...buildServiceEnvironment(entry, facts) },
    phase: entry.phase,
    drainMs: SERVICE_DRAIN_MS,
    isReady: () => answersOk(healthUrl),
  };
}

type NodeProgram = Omit<ChildSpecification, 'environment' | 'phase' | 'drainMs' | 'isReady'>;

function nodeProgram(home: Home, name: string, file: string): NodeProgram {
  if (!existsSync(file)) {
    throw new StartFault(`${name} is not built: ${file} is missing.`, 'Run `npx tsc -b`, or start without --no-build.');
  }
  return {
    name,
    command: process.execPath,
    // What is in flight when the young generation is full is copied, so its cost falls with the size: one that need not grow first takes 8% off a
    // call's CPU, and 64 MB instead of 32 under load another 10 (both measured in alternating rounds).
    arguments: ['--min-semi-space-size=16', '--max-semi-space-size=64', '--enable-source-maps', file],
    workingDirectory: home.directory,
    hasChannel: true,
    stopSignal: 'SIGTERM',
    readyMs: READY_MS,
    logFile: join(home.logs, `${name}.log`),
  };
}
