import { CallServer, connectBus, type BusConnection } from '@weir/bus';
import { openCatalog, type Catalog } from '@weir/catalog';
import { ExecuteCallV1, queueGroups, scaleTiming } from '@weir/contracts';
import type { Clock, Health, Logger, Registry } from '@weir/kit';
import type { ProvidersSettings } from '../settings.js';
import { ownExecSubject, WorkerIntake } from './bus/worker-intake.js';
import { ProviderMetrics } from './metrics.js';
import { openAttemptJournal, type AttemptJournal } from './record/attempt-journal.js';
import { createExecutor, type OpenExecutor } from './upstream/create-executor.js';

/** Silence of a watch after which the catalog counts as stale, at scale 1. */
const CATALOG_STALE_AFTER_MS = 10_000;

export interface WorkerOptions {
  readonly settings: ProvidersSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
}

interface Parts {
  readonly bus: BusConnection;
  readonly catalog: Catalog;
  readonly record: AttemptJournal;
  readonly server: CallServer;
  readonly intake: WorkerIntake;
  readonly open: OpenExecutor;
}

function connect({ settings, logger }: WorkerOptions): Promise<BusConnection> {
  return connectBus({
    url: settings.WEIR_NATS_URL,
    user: settings.WEIR_NATS_USER,
    password: settings.WEIR_NATS_PASSWORD,
    name: settings.WEIR_SERVICE_ID,
    inboxPrefix: '_INBOX_providers',
    onError: (error) => logger.error({ err: error }, 'bus'),
  });
}

function readCatalog(connection: BusConnection, { settings, clock, logger }: WorkerOptions): Promise<Catalog> {
  return openCatalog({
    connection,
    buckets: ['catalog', 'prices', 'credentials'],
    clock,
    staleAfterMs: CATALOG_STALE_AFTER_MS * settings.WEIR_TIME_SCALE,
    timeScale: settings.WEIR_TIME_SCALE,
    onError: (error) => logger.error({ err: error }, 'catalog'),
  });
}

function createServer(connection: BusConnection, { settings, logger }: WorkerOptions): CallServer {
  const subject = ownExecSubject(settings.WEIR_REGION, settings.WEIR_SERVICE_ID);
  return new CallServer({
    connection,
    subscriptions: [{ definition: ExecuteCallV1, subject, queue: queueGroups.providers }],
    onError: (error) => logger.error({ err: error }, 'exec'),
  });
}

function createIntake(
  parts: Pick<Parts, 'bus' | 'server' | 'catalog' | 'record'>,
  options: WorkerOptions,
): WorkerIntake {
  const { settings, logger } = options;
  return new WorkerIntake({
    connection: parts.bus,
    server: parts.server,
    catalog: parts.catalog,
    region: settings.WEIR_REGION,
    workerId: settings.WEIR_SERVICE_ID,
    policy: {
      callsMax: settings.WEIR_CALLS_MAX,
      bodyBytesMax: settings.WEIR_BODY_BYTES_MAX,
      loopDelayMsMax: settings.WEIR_LOOP_DELAY_MS_MAX,
    },
    timeScale: settings.WEIR_TIME_SCALE,
    canRecord: () => parts.record.publisher.isReady(),
    logger,
  });
}

/** One provider worker: its connection, catalog and journal, the calls it takes and runs. */
export class Worker {
  private constructor(
    private readonly parts: Parts,
    private readonly settings: ProvidersSettings,
  ) {}

  /** Opens everything a worker needs; takes no calls before `start`. */
  static async open(options: WorkerOptions): Promise<Worker> {
    const { settings, clock, logger, registry } = options;
    const bus = await connect(options);
    const catalog = await readCatalog(bus, options);
    const record = await openAttemptJournal({ connection: bus, settings, clock, logger });
    const server = createServer(bus, options);
    const intake = createIntake({ bus, server, catalog, record }, options);
    const open = createExecutor({
      connection: bus,
      catalog,
      record,
      metrics: new ProviderMetrics(registry),
      settings,
      clock,
      logger,
      watcher: {
        opened: (call) => intake.opened(call.target.provider.id, call.bodyBytes),
        closed: (call) => intake.closed(call.target.provider.id, call.bodyBytes),
      },
    });
    return new Worker({ bus, catalog, record, server, intake, open }, settings);
  }

  get server(): CallServer {
    return this.parts.server;
  }

  get executor(): OpenExecutor['executor'] {
    return this.parts.open.executor;
  }

  watchedBy(health: Health): void {
    const { bus, catalog, record } = this.parts;
    health.register('bus', () => ({ ok: bus.isConnected, detail: bus.status }));
    health.register('catalog', () => ({ ok: catalog.state() === 'ready', detail: catalog.state() }));
    health.register('record', () => ({ ok: record.publisher.isReady() }));
  }

  /** Takes calls from now on; their handler has to be in place. */
  start(): void {
    this.parts.intake.start();
  }

  /** Takes nothing new, lets running calls end, then publishes what they left to record. */
  async drain(): Promise<void> {
    this.parts.intake.drain();
    await this.executor.drain(scaleTiming(this.settings.WEIR_TIME_SCALE).drainWithinMs);
    await this.parts.record.flush();
  }

  async close(): Promise<void> {
    const { intake, open, record, catalog, bus } = this.parts;
    intake.close();
    await open.close();
    await record.close();
    catalog.close();
    await bus.close();
  }
}
