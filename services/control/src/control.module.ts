import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { connectBus, type BusConnection } from '@weir/bus';
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
import { openDataSource, type DataSource } from '@weir/store';
import { CatalogProjection } from './adapters/bus/catalog-projection.js';
import { ConfigurationApplier } from './adapters/configuration-file/configuration-applier.js';
import { ConfigurationWatcher } from './adapters/configuration-file/configuration-watcher.js';
import { AdminTokenGuard } from './adapters/http/admin-token.guard.js';
import { ConfigurationController } from './adapters/http/configuration.controller.js';
import { CatalogEntryEntity } from './adapters/store/catalog-entry.entity.js';
import { CatalogStore } from './adapters/store/catalog.store.js';
import { migrations } from './adapters/store/migrations.js';
import type { ControlSettings } from './settings.js';

const BUS = Symbol('control.bus');
const DATA_SOURCE = Symbol('control.data-source');
const START_WITHIN_MS = 60_000;
const CHECK_BUCKETS_EVERY_MS = 2_000;

@Module({
  controllers: [ConfigurationController],
  providers: [
    AdminTokenGuard,
    { provide: MICROSERVICE_STRATEGIES, useValue: [] },
    {
      provide: BUS,
      inject: [SETTINGS, LOGGER],
      useFactory: (settings: ControlSettings, logger: Logger) =>
        connectBus({
          url: settings.WEIR_NATS_URL,
          user: settings.WEIR_NATS_USER,
          password: settings.WEIR_NATS_PASSWORD,
          name: settings.WEIR_SERVICE_ID,
          inboxPrefix: '_INBOX_control',
          onError: (error) => logger.warn({ err: error }, 'bus'),
        }),
    },
    {
      provide: DATA_SOURCE,
      inject: [SETTINGS, LOGGER],
      useFactory: (settings: ControlSettings, logger: Logger) =>
        openDataSource({
          url: settings.WEIR_POSTGRES_URL,
          schema: 'control',
          entities: [CatalogEntryEntity],
          migrations,
          signal: AbortSignal.timeout(START_WITHIN_MS),
          onError: (error) => logger.warn({ err: error }, 'waiting for Postgres'),
          onPoolError: (error) => logger.warn({ err: error }, 'a connection to Postgres was lost'),
        }),
    },
    {
      provide: CatalogStore,
      inject: [DATA_SOURCE],
      useFactory: (dataSource: DataSource) => new CatalogStore(dataSource),
    },
    {
      provide: CatalogProjection,
      inject: [BUS, CatalogStore, SETTINGS, LOGGER],
      useFactory: (connection: BusConnection, store: CatalogStore, settings: ControlSettings, logger: Logger) =>
        new CatalogProjection({
          connection,
          store,
          postgresUrl: settings.WEIR_POSTGRES_URL,
          checkEveryMs: CHECK_BUCKETS_EVERY_MS * settings.WEIR_TIME_SCALE,
          onError: (error) => logger.error({ err: error }, 'the catalog could not be carried to the bus; trying again'),
        }),
    },
    {
      provide: ConfigurationApplier,
      inject: [SETTINGS, CatalogStore, CLOCK, LOGGER],
      useFactory: (settings: ControlSettings, store: CatalogStore, clock: Clock, logger: Logger) =>
        new ConfigurationApplier({ settings, store, clock, logger }),
    },
    {
      provide: ConfigurationWatcher,
      inject: [SETTINGS, ConfigurationApplier, LOGGER],
      useFactory: (settings: ControlSettings, applier: ConfigurationApplier, logger: Logger) =>
        new ConfigurationWatcher({
          file: settings.WEIR_CONFIG_FILE,
          onText: (text) => applier.apply(text),
          onError: (error) => logger.error({ err: error }, 'weir.yaml could not be applied; trying again'),
        }),
    },
  ],
})
export class ControlModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(HEALTH) private readonly health: Health,
    @Inject(BUS) private readonly connection: BusConnection,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(CatalogProjection) private readonly projection: CatalogProjection,
    @Inject(ConfigurationApplier) private readonly applier: ConfigurationApplier,
    @Inject(ConfigurationWatcher) private readonly watcher: ConfigurationWatcher,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.health.register('bus', () => ({ ok: this.connection.isConnected }));
    this.health.register('configuration', () => {
      const { appliedAt, faults } = this.applier.status();
      const detail =
        faults.length === 0
          ? undefined
          : `${faults.length} faults in weir.yaml; the first in line ${faults[0]?.line ?? 0}`;
      return { ok: appliedAt !== null, ...(detail === undefined ? {} : { detail }) };
    });
    await this.projection.start();
    await this.watcher.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.watcher.close();
    await this.projection.close();
    await this.connection.close();
    await this.dataSource.destroy();
  }
}
