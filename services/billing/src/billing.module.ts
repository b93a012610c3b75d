import { Inject, Module, type INestApplication, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { connectBus, type BusConnection } from '@weir/bus';
import {
  CLOCK,
  Counter,
  Gauge,
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
import { createFailpoint, startLanding, type Landing } from '@weir/landing';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { PricePublisher } from './adapters/bus/price-publisher.js';
import { readPriceLists } from './adapters/files/read-price-lists.js';
import { ChargeReader } from './adapters/facts/charge-reader.js';
import { BillingTokenGuard } from './adapters/http/billing-token.guard.js';
import { LedgerController } from './adapters/http/ledger.controller.js';
import { PricesController } from './adapters/http/prices.controller.js';
import { BillingDatabase } from './adapters/store/billing-database.js';
import { Closer } from './adapters/store/closer.js';
import { ClosingClock } from './adapters/store/closing-clock.js';
import { PriceProposalStore } from './adapters/store/price-proposal.store.js';
import { readPrices, storePrices } from './adapters/store/price.store.js';
import { createBillingSink } from './adapters/warehouse/billing-sink.js';
import { PriceBook } from './domain/price-book.js';
import type { BillingSettings } from './settings.js';

const BUS = Symbol('billing.bus');
const WAREHOUSE = Symbol('billing.warehouse');
const LANDING = Symbol('billing.landing');
const PUBLISHER = Symbol('billing.publisher');
const FOUNDATION = Symbol('billing.foundation');

interface Foundation {
  readonly settings: BillingSettings;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Registry;
  readonly clock: Clock;
}

const foundation: Provider = {
  provide: FOUNDATION,
  inject: [SETTINGS, LOGGER, HEALTH, METRICS, CLOCK],
  useFactory: (
    settings: BillingSettings,
    logger: Logger,
    health: Health,
    metrics: Registry,
    clock: Clock,
  ): Foundation => ({ settings, logger, health, metrics, clock }),
};

const bus: Provider = {
  provide: BUS,
  inject: [SETTINGS, LOGGER],
  useFactory: (settings: BillingSettings, logger: Logger) =>
    connectBus({
      url: settings.WEIR_NATS_URL,
      user: settings.WEIR_NATS_USER,
      password: settings.WEIR_NATS_PASSWORD,
      name: settings.WEIR_SERVICE_ID,
      inboxPrefix: '_INBOX_billing',
      onError: (error) => logger.error({ err: error }, 'bus'),
    }),
};

const warehouse: Provider = {
  provide: WAREHOUSE,
  inject: [SETTINGS],
  useFactory: (settings: BillingSettings) =>
    createWarehouse({
      url: settings.WEIR_CLICKHOUSE_URL,
      user: settings.WEIR_CLICKHOUSE_USER,
      password: settings.WEIR_CLICKHOUSE_PASSWORD,
      database: settings.WEIR_CLICKHOUSE_DATABASE,
      application: settings.WEIR_SERVICE_ID,
    }),
};

const publisher: Provider = {
  provide: PUBLISHER,
  inject: [BUS, LOGGER, SETTINGS],
  useFactory: (connection: BusConnection, logger: Logger, settings: BillingSettings) =>
    new PricePublisher({ connection, logger, timeScale: settings.WEIR_TIME_SCALE }),
};

const database: Provider = {
  provide: BillingDatabase,
  inject: [SETTINGS, LOGGER],
  useFactory: (settings: BillingSettings, logger: Logger) =>
    new BillingDatabase({
      url: settings.WEIR_POSTGRES_URL,
      onPoolError: (error) => logger.warn({ err: error }, 'a connection to Postgres was lost'),
    }),
};

const closer: Provider = {
  provide: Closer,
  inject: [SETTINGS, ChargeReader, PriceBook],
  useFactory: (settings: BillingSettings, reader: ChargeReader, book: PriceBook) =>
    new Closer({
      postgresUrl: settings.WEIR_POSTGRES_URL,
      reader,
      findPrice: book.find,
      graceMs: settings.WEIR_CLOSE_GRACE_MS,
    }),
};

const clock: Provider = {
  provide: ClosingClock,
  inject: [Closer, BillingDatabase, FOUNDATION],
  useFactory: (hours: Closer, store: BillingDatabase, { settings, logger, metrics }: Foundation) => {
    const failing = new Gauge({
      name: 'weir_billing_close_failing',
      help: '1 while hours that are due cannot be closed into the ledger.',
      registers: [metrics],
    });
    const setAside = new Gauge({
      name: 'weir_billing_set_aside_attempts',
      help: 'Attempts that are recorded and not booked, of months that are open.',
      labelNames: ['kind'],
      registers: [metrics],
    });
    return new ClosingClock({
      closer: hours,
      database: store,
      logger,
      timeScale: settings.WEIR_TIME_SCALE,
      onLook: ({ isClosed, open }) => {
        failing.set(isClosed ? 0 : 1);
        if (open === undefined) return;
        setAside.set({ kind: 'fault' }, open.faults);
        setAside.set({ kind: 'conflict' }, open.conflicts);
      },
    });
  },
};

const proposals: Provider = {
  provide: PriceProposalStore,
  inject: [BillingDatabase],
  useFactory: (store: BillingDatabase) => new PriceProposalStore(store),
};

/** Stores the price lists and returns every version, imported ones too. */
async function loadPrices(
  { settings, logger }: Foundation,
  store: BillingDatabase,
  signal: AbortSignal,
): ReturnType<typeof storePrices> {
  const listed = await readPriceLists(settings.WEIR_PRICES_DIR);
  return storePrices(await store.open(signal), listed, (priceVersions) =>
    logger.error(
      { priceVersions },
      'price lists state other rates for stored versions, which never change: give them a new date',
    ),
  );
}

function countUnpriced(metrics: Registry, logger: Logger) {
  const counter = new Counter({
    name: 'weir_billing_unpriced_attempts_total',
    help: 'Attempts charged without a price. Any is an error: nothing is free.',
    labelNames: ['provider', 'model'],
    registers: [metrics],
  });
  return (attempt: { provider: string; model: string; attemptId: string; priceVersion: string | null }): void => {
    const { provider, model, attemptId, priceVersion } = attempt;
    counter.inc({ provider, model });
    logger.error({ provider, model, attemptId, priceVersion }, 'an attempt has no price');
  };
}

type LandingParts = readonly [
  Foundation,
  BusConnection,
  Warehouse,
  PricePublisher,
  BillingDatabase,
  PriceBook,
  ClosingClock,
];

const landing: Provider = {
  provide: LANDING,
  inject: [FOUNDATION, BUS, WAREHOUSE, PUBLISHER, BillingDatabase, PriceBook, ClosingClock],
  useFactory: (...[kit, connection, target, prices, store, book, hours]: LandingParts): Landing => {
    const { settings, metrics, logger } = kit;
    return startLanding({
      sink: createBillingSink({ findPrice: book.find, onUnpriced: countUnpriced(metrics, logger) }),
      connection,
      store: { url: settings.WEIR_POSTGRES_URL, schema: 'billing' },
      warehouse: target,
      ...kit,
      timeScale: settings.WEIR_TIME_SCALE,
      failpoint: createFailpoint(settings.NODE_ENV === 'test' ? settings.WEIR_FAILPOINT : undefined, 'billing'),
      prepare: async (signal) => {
        book.replace(await loadPrices(kit, store, signal));
        prices.start(book.all(), async () => {
          book.replace(await readPrices(store.get()));
          return book.all();
        });
        await migrateWarehouse(target, WAREHOUSE_SCHEMA, settings.WEIR_CLICKHOUSE_CLUSTER);
        hours.start();
      },
    });
  },
};

@Module({
  controllers: [PricesController, LedgerController],
  providers: [
    BillingTokenGuard,
    foundation,
    bus,
    warehouse,
    database,
    proposals,
    { provide: ChargeReader, inject: [WAREHOUSE], useFactory: (target: Warehouse) => new ChargeReader(target) },
    closer,
    clock,
    publisher,
    { provide: PriceBook, useFactory: () => new PriceBook() },
    landing,
    { provide: MICROSERVICE_STRATEGIES, useValue: [] },
  ],
})
export class BillingModule implements OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly connection: BusConnection,
    @Inject(WAREHOUSE) private readonly target: Warehouse,
    @Inject(BillingDatabase) private readonly store: BillingDatabase,
    @Inject(PUBLISHER) prices: PricePublisher,
    @Inject(LANDING) _landing: Landing,
    @Inject(HEALTH) health: Health,
  ) {
    health.register('bus', () => ({ ok: connection.isConnected, detail: connection.status }));
    health.register('prices', () => prices.state());
  }

  // Acknowledgements and reports follow the inserts, so the bus closes after everything has landed.
  async onApplicationShutdown(): Promise<void> {
    await this.target.close();
    await this.connection.close();
    await this.store.close();
  }
}

/** Lands what is left, so that a restart begins with an empty hand. */
export async function drainBilling(app: INestApplication): Promise<void> {
  await app.get(ClosingClock, { strict: false }).close();
  await app.get<PricePublisher>(PUBLISHER, { strict: false }).close();
  await app.get<Landing>(LANDING, { strict: false }).drain();
}
