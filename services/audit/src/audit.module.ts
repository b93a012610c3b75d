import { Inject, Module, type INestApplication, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { connectBus, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS } from '@weir/contracts';
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
import { createFailpoint, startLanding, type Landing } from '@weir/landing';
import { runMigrations } from '@weir/store';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { CheckpointSigner } from './adapters/checkpoints/checkpoint-signer.js';
import { GapWatch } from './adapters/security/gap-watch.js';
import { AUDIT_MIGRATIONS } from './adapters/store/migrations.js';
import { auditSink } from './adapters/warehouse/audit-sink.js';
import { DirectoryMirror } from './adapters/warehouse/directory-mirror.js';
import { leafLog } from './adapters/warehouse/leaf-log.js';
import type { AuditSettings } from './settings.js';

const BUS = Symbol('audit.bus');
const WAREHOUSE = Symbol('audit.warehouse');
const LANDING = Symbol('audit.landing');
const DIRECTORY = Symbol('audit.directory');
const CHECKPOINTS = Symbol('audit.checkpoints');
const GAPS = Symbol('audit.gaps');

const SCHEMA = 'audit';

const bus: Provider = {
  provide: BUS,
  inject: [SETTINGS, LOGGER],
  useFactory: (settings: AuditSettings, logger: Logger) =>
    connectBus({
      url: settings.WEIR_NATS_URL,
      user: settings.WEIR_NATS_USER,
      password: settings.WEIR_NATS_PASSWORD,
      name: settings.WEIR_SERVICE_ID,
      inboxPrefix: '_INBOX_audit',
      onError: (error) => logger.error({ err: error }, 'bus'),
    }),
};

const warehouse: Provider = {
  provide: WAREHOUSE,
  inject: [SETTINGS],
  useFactory: (settings: AuditSettings) =>
    createWarehouse({
      url: settings.WEIR_CLICKHOUSE_URL,
      user: settings.WEIR_CLICKHOUSE_USER,
      password: settings.WEIR_CLICKHOUSE_PASSWORD,
      database: settings.WEIR_CLICKHOUSE_DATABASE,
      application: settings.WEIR_SERVICE_ID,
    }),
};

const directory: Provider = {
  provide: DIRECTORY,
  inject: [BUS, WAREHOUSE, LOGGER, SETTINGS],
  useFactory: (connection: BusConnection, target: Warehouse, logger: Logger, settings: AuditSettings) =>
    new DirectoryMirror({ connection, warehouse: target, logger, timeScale: settings.WEIR_TIME_SCALE }),
};

interface Foundation {
  readonly settings: AuditSettings;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Registry;
  readonly clock: Clock;
}

const FOUNDATION = Symbol('audit.foundation');
const foundation: Provider = {
  provide: FOUNDATION,
  inject: [SETTINGS, LOGGER, HEALTH, METRICS, CLOCK],
  useFactory: (
    settings: AuditSettings,
    logger: Logger,
    health: Health,
    metrics: Registry,
    clock: Clock,
  ): Foundation => ({
    settings,
    logger,
    health,
    metrics,
    clock,
  }),
};

const checkpoints: Provider = {
  provide: CHECKPOINTS,
  inject: [FOUNDATION],
  useFactory: ({ settings, ...kit }: Foundation) =>
    new CheckpointSigner({
      ...kit,
      store: { url: settings.WEIR_POSTGRES_URL, schema: SCHEMA },
      keyFile: settings.WEIR_LOG_KEY_FILE,
      folder: settings.WEIR_CHECKPOINTS_DIR,
      partitions: EVENT_PARTITIONS,
      timeScale: settings.WEIR_TIME_SCALE,
    }),
};

const gaps: Provider = {
  provide: GAPS,
  inject: [FOUNDATION, WAREHOUSE],
  useFactory: ({ settings, ...kit }: Foundation, target: Warehouse) =>
    new GapWatch({
      ...kit,
      store: { url: settings.WEIR_POSTGRES_URL, schema: SCHEMA },
      warehouse: target,
      timeScale: settings.WEIR_TIME_SCALE,
    }),
};

/** What waits until stores can be used. */
interface Companions {
  readonly watch: GapWatch;
  readonly mirror: DirectoryMirror;
  readonly signer: CheckpointSigner;
}

const COMPANIONS = Symbol('audit.companions');
const companions: Provider = {
  provide: COMPANIONS,
  inject: [DIRECTORY, CHECKPOINTS, GAPS],
  useFactory: (mirror: DirectoryMirror, signer: CheckpointSigner, watch: GapWatch): Companions => ({
    mirror,
    signer,
    watch,
  }),
};

const landing: Provider = {
  provide: LANDING,
  inject: [FOUNDATION, BUS, WAREHOUSE, COMPANIONS],
  useFactory: (kit: Foundation, connection: BusConnection, target: Warehouse, waiting: Companions): Landing => {
    const store = { url: kit.settings.WEIR_POSTGRES_URL, schema: SCHEMA };
    return startLanding({
      sink: auditSink,
      log: leafLog,
      connection,
      store,
      warehouse: target,
      ...kit,
      timeScale: kit.settings.WEIR_TIME_SCALE,
      failpoint: createFailpoint(
        kit.settings.NODE_ENV === 'test' ? kit.settings.WEIR_FAILPOINT : undefined,
        auditSink.name,
      ),
      prepare: async (signal) => {
        await runMigrations({ ...store, migrations: AUDIT_MIGRATIONS, signal });
        await migrateWarehouse(target, WAREHOUSE_SCHEMA, kit.settings.WEIR_CLICKHOUSE_CLUSTER);
        await waiting.mirror.start();
        waiting.signer.start();
        waiting.watch.start();
      },
    });
  },
};

@Module({
  providers: [
    foundation,
    bus,
    warehouse,
    directory,
    checkpoints,
    gaps,
    companions,
    landing,
    { provide: MICROSERVICE_STRATEGIES, useValue: [] },
  ],
})
export class AuditModule implements OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly connection: BusConnection,
    @Inject(WAREHOUSE) private readonly target: Warehouse,
    @Inject(LANDING) _landing: Landing,
    @Inject(HEALTH) health: Health,
  ) {
    health.register('bus', () => ({ ok: connection.isConnected, detail: connection.status }));
  }

  // Acknowledgements and reports follow the inserts, so the bus closes after everything has landed.
  async onApplicationShutdown(): Promise<void> {
    await this.target.close();
    await this.connection.close();
  }
}

/** Lands what is left, so that a restart begins with an empty hand. */
export async function drainAudit(app: INestApplication): Promise<void> {
  await app.get<Landing>(LANDING, { strict: false }).drain();
  await app.get<DirectoryMirror>(DIRECTORY, { strict: false }).close();
  await app.get<GapWatch>(GAPS, { strict: false }).close();
  // Last: what has landed until now is signed before the process ends.
  await app.get<CheckpointSigner>(CHECKPOINTS, { strict: false }).close();
}
