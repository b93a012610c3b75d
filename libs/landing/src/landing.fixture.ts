import { Registry, type Clock, type Health } from '@weir/kit';
import { connectBus, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS, partitionOf, subjects, uuidv7 } from '@weir/contracts';
import { Health as HealthChecks, createLogger } from '@weir/kit';
import { runMigrations, type StoreAddress } from '@weir/store';
import {
  WAREHOUSE_SCHEMA,
  createWarehouse,
  migrateWarehouse,
  type Warehouse,
  type WarehouseSettings,
} from '@weir/warehouse';
import { noFailpoint, type Failpoint } from './failpoint.js';
import type { LandingEvent } from './landing-event.js';
import type { LandingSink } from './landing-sink.js';
import { countCell, defineSinkTable } from './sink-table.js';
import { startLanding, type Landing } from './start-landing.js';
import { landingMigration } from './watermarks.js';

/** Where the parts of a test are. */
export interface TestAddresses {
  readonly natsUrl: string;
  readonly store: StoreAddress;
  readonly warehouse: WarehouseSettings;
}

/** Connects as the user the URL names. */
export function connectTestBus(natsUrl: string): Promise<BusConnection> {
  const { host, username, password } = new URL(natsUrl);
  return connectBus({ url: `nats://${host}`, user: username, password, name: 'landing-test' });
}

const events = defineSinkTable<LandingEvent>({
  name: 'events',
  timeColumn: 'time',
  time: ({ envelope }) => envelope.time,
  columns: {
    event_id: ({ envelope }) => envelope.eventId,
    type: ({ envelope }) => envelope.type,
    version: ({ envelope }) => countCell(envelope.version),
    // A table refuses what is no UUID: stands for a fault that only the warehouse finds.
    call_id: ({ envelope }) => (envelope.traceparent === 'refuse me' ? 'no uuid' : envelope.callId),
    leaf: ({ leaf }) => leaf,
    annex: ({ annex }) => annex,
  },
});

export const testSink: LandingSink = {
  name: 'audit',
  reads: () => true,
  skipsOthers: false,
  sources: [(event) => [events.row(event, event)]],
};

export interface TestLanding {
  readonly connection: BusConnection;
  readonly health: Health;
  readonly metrics: Registry;
  readonly landing: Landing;
  stop(): Promise<void>;
}

export interface TestLandingOptions {
  /** Stands between the sink and the warehouse. */
  readonly wrap?: (warehouse: Warehouse) => Warehouse;
  readonly failpoint?: Failpoint;
}

/** A sink as a service runs it. */
export async function startTestLanding(
  addresses: TestAddresses,
  { wrap = (warehouse) => warehouse, failpoint = noFailpoint }: TestLandingOptions = {},
): Promise<TestLanding> {
  const connection = await connectTestBus(addresses.natsUrl);
  const plain = createWarehouse({ ...addresses.warehouse, requestWithinMs: 3_000 });
  const warehouse = wrap(plain);
  const health = new HealthChecks();
  const metrics = new Registry();
  const clock: Clock = { now: () => Date.now() };
  const landing = startLanding({
    sink: testSink,
    connection,
    store: addresses.store,
    warehouse,
    clock,
    logger: createLogger({ service: 'test', instance: 'test', level: 'fatal' }),
    health,
    metrics,
    timeScale: 0.1,
    failpoint,
    prepare: async (signal) => {
      await runMigrations({ ...addresses.store, migrations: [landingMigration(1)], signal });
      await migrateWarehouse(plain, WAREHOUSE_SCHEMA);
    },
  });
  return {
    connection,
    health,
    metrics,
    landing,
    stop: async () => {
      await landing.drain();
      await plain.close();
      await connection.close();
    },
  };
}

/** A producer that numbers its events as a journal does, and publishes what it is told to, as often as it is told to. */
export class TestProducer {
  readonly id = uuidv7();
  private sequence = 0;

  constructor(private readonly connection: BusConnection) {}

  /** The next event's line. */
  line(fields: { readonly traceparent?: string } = {}): string {
    this.sequence += 1;
    const data = { service: 'test', instance: 'test', lastSequence: this.sequence - 1, open: 0, previous: null };
    return JSON.stringify({
      eventId: uuidv7(),
      type: 'producer.alive',
      version: 1,
      time: Date.now(),
      producerId: this.id,
      epoch: 1,
      sequence: this.sequence,
      organisationId: null,
      callId: null,
      traceparent: fields.traceparent ?? null,
      data,
    });
  }

  lines(count: number): string[] {
    return Array.from({ length: count }, () => this.line());
  }

  /** A line that is no event, in the place of one. */
  poison(text = 'not an event'): string {
    this.sequence += 1;
    return text;
  }

  publish(lines: readonly string[]): void {
    const subject = subjects.events(partitionOf(this.id, EVENT_PARTITIONS));
    this.connection.publish(subject, Buffer.from(lines.map((line) => `${line}\n`).join('')));
  }
}
