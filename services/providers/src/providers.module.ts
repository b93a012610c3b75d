import {
  Inject,
  Module,
  type INestApplication,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { CallServer, connectBus, type BusConnection } from '@weir/bus';
import { openCatalog, type Catalog } from '@weir/catalog';
import { ExecuteCallV1, queueGroups, scaleTiming } from '@weir/contracts';
import {
  CLOCK,
  HEALTH,
  LOGGER,
  METRICS,
  MICROSERVICE_STRATEGIES,
  SETTINGS,
  type Clock,
  type Health,
  type Logger,
  type Registry,
} from '@weir/kit';
import { ExecuteCallHandler } from './adapters/bus/execute-call.handler.js';
import { ownExecSubject, WorkerIntake } from './adapters/bus/worker-intake.js';
import { ProviderMetrics } from './adapters/metrics.js';
import { openAttemptJournal, type AttemptJournal } from './adapters/record/attempt-journal.js';
import type { CallExecutor } from './adapters/upstream/call-executor.js';
import { createExecutor, type OpenExecutor } from './adapters/upstream/create-executor.js';
import type { ProvidersSettings } from './settings.js';
import { BUS, CALL_SERVER, CATALOG, EXECUTOR, INTAKE, OPEN_EXECUTOR, RECORD } from './tokens.js';

/** Silence of a watch after which the catalog counts as stale, at scale 1. */
const CATALOG_STALE_AFTER_MS = 10_000;

const connection: Provider = {
  provide: BUS,
  inject: [SETTINGS, LOGGER],
  useFactory: (settings: ProvidersSettings, logger: Logger) =>
    connectBus({
      url: settings.WEIR_NATS_URL,
      user: settings.WEIR_NATS_USER,
      password: settings.WEIR_NATS_PASSWORD,
      name: settings.WEIR_SERVICE_ID,
      inboxPrefix: '_INBOX_providers',
      onError: (error) => logger.error({ err: error }, 'bus'),
    }),
};

const catalog: Provider = {
  provide: CATALOG,
  inject: [BUS, CLOCK, SETTINGS, LOGGER],
  useFactory: (bus: BusConnection, clock: Clock, settings: ProvidersSettings, logger: Logger) =>
    openCatalog({
      connection: bus,
      buckets: ['catalog', 'prices', 'credentials'],
      clock,
      staleAfterMs: CATALOG_STALE_AFTER_MS * settings.WEIR_TIME_SCALE,
      timeScale: settings.WEIR_TIME_SCALE,
      onError: (error) => logger.error({ err: error }, 'catalog'),
    }),
};

const record: Provider = {
  provide: RECORD,
  inject: [BUS, SETTINGS, CLOCK, LOGGER],
  useFactory: (bus: BusConnection, settings: ProvidersSettings, clock: Clock, logger: Logger) =>
    openAttemptJournal({ connection: bus, settings, clock, logger }),
};

const callServer: Provider = {
  provide: CALL_SERVER,
  inject: [BUS, SETTINGS, LOGGER],
  useFactory: (bus: BusConnection, settings: ProvidersSettings, logger: Logger) =>
    new CallServer({
      connection: bus,
      subscriptions: [
        {
          definition: ExecuteCallV1,
          subject: ownExecSubject(settings.WEIR_REGION, settings.WEIR_SERVICE_ID),
          queue: queueGroups.providers,
        },
      ],
      onError: (error) => logger.error({ err: error }, 'exec'),
    }),
};

const intake: Provider = {
  provide: INTAKE,
  inject: [BUS, CALL_SERVER, CATALOG, RECORD, SETTINGS, LOGGER],
  useFactory: (
    bus: BusConnection,
    server: CallServer,
    records: Catalog,
    { publisher }: AttemptJournal,
    settings: ProvidersSettings,
    logger: Logger,
  ) =>
    new WorkerIntake({
      connection: bus,
      server,
      catalog: records,
      region: settings.WEIR_REGION,
      workerId: settings.WEIR_SERVICE_ID,
      policy: {
        callsMax: settings.WEIR_CALLS_MAX,
        bodyBytesMax: settings.WEIR_BODY_BYTES_MAX,
        loopDelayMsMax: settings.WEIR_LOOP_DELAY_MS_MAX,
      },
      timeScale: settings.WEIR_TIME_SCALE,
      canRecord: () => publisher.isReady(),
      logger,
    }),
};

const executor: Provider = {
  provide: OPEN_EXECUTOR,
  inject: [BUS, CATALOG, RECORD, INTAKE, METRICS, SETTINGS, CLOCK, LOGGER],
  useFactory: (
    bus: BusConnection,
    records: Catalog,
    attempts: AttemptJournal,
    workerIntake: WorkerIntake,
    registry: Registry,
    settings: ProvidersSettings,
    clock: Clock,
    logger: Logger,
  ) =>
    createExecutor({
      connection: bus,
      catalog: records,
      record: attempts,
      metrics: new ProviderMetrics(registry),
      settings,
      clock,
      logger,
      watcher: {
        opened: (call) => workerIntake.opened(call.target.provider.id, call.bodyBytes),
        closed: (call) => workerIntake.closed(call.target.provider.id, call.bodyBytes),
      },
    }),
};

@Module({
  controllers: [ExecuteCallHandler],
  providers: [
    connection,
    catalog,
    record,
    callServer,
    intake,
    executor,
    { provide: EXECUTOR, inject: [OPEN_EXECUTOR], useFactory: (open: OpenExecutor) => open.executor },
    { provide: MICROSERVICE_STRATEGIES, inject: [CALL_SERVER], useFactory: (server: CallServer) => [server] },
  ],
})
export class ProvidersModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly bus: BusConnection,
    @Inject(CATALOG) private readonly records: Catalog,
    @Inject(RECORD) private readonly attempts: AttemptJournal,
    @Inject(OPEN_EXECUTOR) private readonly open: OpenExecutor,
    @Inject(INTAKE) private readonly workerIntake: WorkerIntake,
    @Inject(HEALTH) health: Health,
  ) {
    health.register('bus', () => ({ ok: bus.isConnected, detail: bus.status }));
    health.register('catalog', () => ({ ok: records.state() === 'ready', detail: records.state() }));
    health.register('record', () => ({ ok: attempts.publisher.isReady() }));
  }

  /** Only now is the handler of calls in place. */
  onApplicationBootstrap(): void {
    this.workerIntake.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.workerIntake.close();
    await this.open.close();
    await this.attempts.close();
    this.records.close();
    await this.bus.close();
  }
}

/** Takes nothing new, lets running calls end, then publishes what they left to record. */
export async function drainProviders(app: INestApplication): Promise<void> {
  const settings = app.get<ProvidersSettings>(SETTINGS, { strict: false });
  app.get<WorkerIntake>(INTAKE, { strict: false }).drain();
  const timing = scaleTiming(settings.WEIR_TIME_SCALE);
  await app.get<CallExecutor>(EXECUTOR, { strict: false }).drain(timing.drainWithinMs);
  await app.get<AttemptJournal>(RECORD, { strict: false }).flush();
}
