import { Inject, Module, type INestApplication, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { CallForwarder, CallServer, connectBus, EventServer, type BusConnection } from '@weir/bus';
import { openCatalog, type Catalog } from '@weir/catalog';
import { queueGroups, RouteCallV1, subjects, TargetOutcomeV1, WorkerPresenceV1 } from '@weir/contracts';
import {
  CLOCK,
  HEALTH,
  LOGGER,
  MICROSERVICE_STRATEGIES,
  SETTINGS,
  type Clock,
  type Health,
  type Logger,
} from '@weir/kit';
import { RouteCallHandler } from './adapters/bus/route-call.handler.js';
import { RouterMetrics } from './adapters/bus/router-metrics.js';
import { TargetHealthHandler } from './adapters/bus/target-health.handler.js';
import { HealthBook } from './domain/health-book.js';
import { PresenceTable } from './domain/worker-presence.js';
import { healthPolicy, type RouterSettings } from './settings.js';
import { BUS, CALL_SERVER, CATALOG, FORWARDER, HEALTH_BOOK, PRESENCE } from './tokens.js';

/** Silence of a watch after which the catalog counts as stale, at scale 1. */
const CATALOG_STALE_AFTER_MS = 10_000;
/** Workers tell of themselves once a second; after five missed ones a worker counts as gone. */
const PRESENCE_STALE_AFTER_MS = 5_500;
/** However small the scale: no process is gone because a busy machine let it wait for a moment. */
const PRESENCE_STALE_MS_MIN = 1_000;
const PRESENCE_WARM_AFTER_MS = 1_500;

const connection: Provider = {
  provide: BUS,
  inject: [SETTINGS, LOGGER],
  useFactory: (settings: RouterSettings, logger: Logger) =>
    connectBus({
      url: settings.WEIR_NATS_URL,
      user: settings.WEIR_NATS_USER,
      password: settings.WEIR_NATS_PASSWORD,
      name: settings.WEIR_SERVICE_ID,
      inboxPrefix: '_INBOX_router',
      onError: (error) => logger.error({ err: error }, 'bus'),
    }),
};

const catalog: Provider = {
  provide: CATALOG,
  inject: [BUS, CLOCK, SETTINGS, LOGGER],
  useFactory: (bus: BusConnection, clock: Clock, settings: RouterSettings, logger: Logger) =>
    openCatalog({
      connection: bus,
      buckets: ['catalog'],
      clock,
      staleAfterMs: CATALOG_STALE_AFTER_MS * settings.WEIR_TIME_SCALE,
      timeScale: settings.WEIR_TIME_SCALE,
      onError: (error) => logger.error({ err: error }, 'catalog'),
    }),
};

const healthBook: Provider = {
  provide: HEALTH_BOOK,
  inject: [SETTINGS, RouterMetrics, LOGGER, CATALOG],
  useFactory: (settings: RouterSettings, metrics: RouterMetrics, logger: Logger, records: Catalog) => {
    const book = new HealthBook(healthPolicy(settings), (deployment, phase) => {
      metrics.targetsOpen.set({ deployment }, phase === 'open' ? 1 : 0);
      logger.warn({ deployment, phase }, phase === 'open' ? 'target taken out' : 'target back');
    });
    records.onChange(() =>
      book.retain(new Set(records.models().flatMap((model) => model.deployments.map(({ id }) => id)))),
    );
    return book;
  },
};

const presence: Provider = {
  provide: PRESENCE,
  inject: [SETTINGS, CLOCK],
  useFactory: (settings: RouterSettings, clock: Clock) => {
    const scale = settings.WEIR_TIME_SCALE;
    const staleAfterMs = Math.max(PRESENCE_STALE_MS_MIN, PRESENCE_STALE_AFTER_MS * scale);
    return new PresenceTable(staleAfterMs, clock.now() + PRESENCE_WARM_AFTER_MS * scale);
  },
};

const callServer: Provider = {
  provide: CALL_SERVER,
  inject: [BUS, SETTINGS, LOGGER],
  useFactory: (bus: BusConnection, settings: RouterSettings, logger: Logger) =>
    new CallServer({
      connection: bus,
      subscriptions: [
        { definition: RouteCallV1, subject: subjects.route(settings.WEIR_REGION), queue: queueGroups.router },
      ],
      onError: (error) => logger.error({ err: error }, 'route'),
    }),
};

const strategies: Provider = {
  provide: MICROSERVICE_STRATEGIES,
  inject: [BUS, CALL_SERVER, SETTINGS, LOGGER],
  useFactory: (bus: BusConnection, server: CallServer, settings: RouterSettings, logger: Logger) => [
    // First what the decisions rest on, then the calls.
    new EventServer({
      connection: bus,
      subscriptions: [
        { definition: TargetOutcomeV1, subject: subjects.health(settings.WEIR_REGION) },
        { definition: WorkerPresenceV1, subject: subjects.presence(settings.WEIR_REGION) },
      ],
      onError: (error) => logger.error({ err: error }, 'health message'),
    }),
    server,
  ],
};

@Module({
  controllers: [RouteCallHandler, TargetHealthHandler],
  providers: [
    RouterMetrics,
    connection,
    catalog,
    healthBook,
    presence,
    callServer,
    strategies,
    { provide: FORWARDER, inject: [BUS], useFactory: (bus: BusConnection) => new CallForwarder(bus) },
  ],
})
export class RouterModule implements OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly bus: BusConnection,
    @Inject(CATALOG) private readonly records: Catalog,
    @Inject(HEALTH) health: Health,
  ) {
    health.register('bus', () => ({ ok: bus.isConnected, detail: bus.status }));
    health.register('catalog', () => ({ ok: records.state() === 'ready', detail: records.state() }));
  }

  async onApplicationShutdown(): Promise<void> {
    this.records.close();
    await this.bus.close();
  }
}

/** Leaves the queue group, then lets what has arrived go on: a decision takes one turn, so a round trip to the broker is enough. */
export async function drainRouter(app: INestApplication): Promise<void> {
  app.get<CallServer>(CALL_SERVER, { strict: false }).pause();
  const bus = app.get<BusConnection>(BUS, { strict: false });
  if (bus.isConnected) await bus.roundTrip();
}
