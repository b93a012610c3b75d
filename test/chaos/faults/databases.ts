import type { Fault } from '../fault.js';
import { killAndWait, pauseFor } from './processes.js';

/** ClickHouse: what the promise says, and what continuous integration has time for. */
const CLICKHOUSE_STOPPED_MS = { short: 20_000, full: 180_000 } as const;
const POSTGRES_STOPPED_MS = { short: 10_000, full: 30_000 } as const;

export const databaseFaults: readonly Fault[] = [
  {
    name: 'stop-clickhouse',
    does: 'SIGSTOP of the ClickHouse front under load: 3 minutes in the full set, 20 s in the short one',
    isShort: true,
    run: (scene) => pauseFor(scene, 'clickhouse', CLICKHOUSE_STOPPED_MS[scene.isFull ? 'full' : 'short']),
  },
  {
    name: 'kill-clickhouse',
    does: 'kill -9 of the ClickHouse front under load',
    isShort: false,
    run: (scene) => killAndWait(scene, 'clickhouse'),
  },
  {
    name: 'pause-postgres',
    does: 'SIGSTOP of Postgres with all its backends, under load, then SIGCONT',
    isShort: true,
    run: (scene) => pauseFor(scene, 'postgres', POSTGRES_STOPPED_MS[scene.isFull ? 'full' : 'short']),
  },
  {
    name: 'kill-postgres',
    does: 'kill -9 of Postgres under load',
    isShort: false,
    run: (scene) => killAndWait(scene, 'postgres'),
  },
];
