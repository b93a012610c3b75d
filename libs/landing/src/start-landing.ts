import { setTimeout as sleep } from 'node:timers/promises';
import type { BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS } from '@weir/contracts';
import type { Clock, Health, Logger, Registry } from '@weir/kit';
import { acquireLock, runMigrations, type StoreAddress } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { noFailpoint, type Failpoint } from './failpoint.js';
import { createLandingMetrics } from './landing-metrics.js';
import { LANDING_MIGRATIONS, landingStore } from './landing-schema.js';
import type { LandingLog } from './landing-log.js';
import type { LandingSink } from './landing-sink.js';
import { PartitionLander } from './partition-lander.js';

export interface LandingOptions {
  readonly sink: LandingSink;
  /** Keeps a tamper-evident log of what lands; none by default. */
  readonly log?: LandingLog;
  readonly connection: BusConnection;
  /** Where the sink's watermarks are; its migrations hold `landingMigration`. */
  readonly store: StoreAddress;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Registry;
  /**
   * What must be done before the first event lands: migrations, say. Tried again until it succeeds, so that a store that is down at the
   * start delays landing and nothing else.
   */
  readonly prepare: (signal: AbortSignal) => Promise<void>;
  /** Multiplies every interval; 1 by default. */
  readonly timeScale?: number;
  /** Stops a test's process between two steps. */
  readonly failpoint?: Failpoint;
  /** Number of event streams; `EVENT_PARTITIONS` by default. */
  readonly partitions?: number;
}

export interface Landing {
  /** Lands what is left, within 10 s, and ends. */
  drain(): Promise<void>;
}

const DRAIN_WITHIN_MS = 10_000;
const PREPARE_RETRY_MS = 1_000;

/** Lands every partition. A process that is not the writer of a partition stands by for it, so a sink may run more than once. */
export function startLanding(options: LandingOptions): Landing {
  const { sink, timeScale = 1, partitions = EVENT_PARTITIONS, failpoint = noFailpoint } = options;
  const metrics = createLandingMetrics(options.metrics);
  const limits = {
    waitMs: Math.max(250, 2_000 * timeScale),
    lookMs: 100 * timeScale,
    idleMs: 150 * timeScale,
    lingerMs: 1_200 * timeScale,
    eventsMax: 10_000,
    bytesMax: 32 * 1024 * 1024,
    lineBytesMax: 64 * 1024,
  };
  const stop = new AbortController();
  const landers = Array.from(
    { length: partitions },
    (_, partition) =>
      new PartitionLander({
        ...options,
        log: options.log,
        acquireLock,
        partition,
        partitions,
        metrics,
        limits,
        timeScale,
        failpoint,
      }),
  );
  landers.forEach((lander, partition) =>
    options.health.register(`landing ${sink.name} ${partition}`, () => lander.state()),
  );
  const prepared = prepareUntilDone(options, stop.signal).then((isPrepared) => {
    if (isPrepared) landers.forEach((lander) => lander.start());
  });
  return {
    drain: async () => {
      stop.abort(new Error('draining'));
      await prepared;
      await Promise.all(landers.map((lander) => lander.drain(DRAIN_WITHIN_MS)));
    },
  };
}

/** False where it was told to stop first. */
async function prepareUntilDone(options: LandingOptions, signal: AbortSignal): Promise<boolean> {
  const { sink, health, logger, prepare, timeScale = 1 } = options;
  let detail = 'preparing';
  let isPrepared = false;
  health.register(`prepare ${sink.name}`, () => ({ ok: isPrepared, detail: isPrepared ? 'done' : detail }));
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    try {
      await runMigrations({ ...landingStore(options.store), migrations: LANDING_MIGRATIONS, signal });
      await prepare(signal);
      isPrepared = true;
      return true;
    } catch (error) {
      if (isStopped()) break;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== detail) logger.error({ err: error }, 'not prepared for landing');
      detail = message;
      // eslint-disable-next-line no-restricted-syntax -- the only way this wait fails is the stop, which the loop sees
      await sleep(PREPARE_RETRY_MS * timeScale, undefined, { signal }).catch(() => undefined);
    }
  }
  return false;
}
