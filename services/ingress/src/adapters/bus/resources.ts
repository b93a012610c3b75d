import { CallChannel, EventPublisher, adoptOrphans, connectBus, type BusConnection } from '@weir/bus';
import { openCatalog, type Catalog } from '@weir/catalog';
import { EVENT_PARTITIONS, KV_BUCKETS, scaleTiming, type CallTiming } from '@weir/contracts';
import { openInstanceJournal, type Journal, type JournalOptions } from '@weir/journal';
import type { Clock, Health, Logger } from '@weir/kit';
import { closeOpenCalls, closesCall, opensCall } from '../../domain/close-open.js';
import type { IngressSettings } from '../../settings.js';

const FSYNC_EVERY_MS = 100;
const CATALOG_STALE_AFTER_MS = 10_000;
const FLUSH_WITHIN_MS = 3_000;

export interface ResourceOptions {
  readonly settings: IngressSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
}

interface OpenedResources {
  readonly connection: BusConnection;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly events: EventPublisher;
  readonly channel: CallChannel;
  readonly timing: CallTiming;
  readonly adoption: { close(): Promise<void> };
}

/** Everything of this process that has to be closed again, opened in the order of need. */
export class Resources {
  readonly connection: BusConnection;
  readonly catalog: Catalog;
  readonly events: EventPublisher;
  readonly channel: CallChannel;
  readonly timing: CallTiming;

  private constructor(private readonly opened: OpenedResources) {
    ({
      connection: this.connection,
      catalog: this.catalog,
      events: this.events,
      channel: this.channel,
      timing: this.timing,
    } = opened);
  }

  static async open({ settings, clock, logger, health }: ResourceOptions): Promise<Resources> {
    const report = (what: string) => (error: Error) => logger.error({ err: error }, what);
    const timing = scaleTiming(settings.WEIR_TIME_SCALE);
    const journalOptions: Omit<JournalOptions, 'folder'> = {
      service: 'ingress',
      instance: settings.WEIR_SERVICE_ID,
      clock,
      highWaterBytes: settings.WEIR_JOURNAL_HIGH_WATER_BYTES,
      fsyncEveryMs: FSYNC_EVERY_MS,
      segmentBytes: settings.WEIR_JOURNAL_SEGMENT_BYTES,
      closeOpen: closeOpenCalls,
      opens: opensCall,
      closes: closesCall,
      onError: report('the journal has a fault'),
    };
    // The journal first: it is the process's identity, and its lock says that no other process is this one.
    const journal = await openInstanceJournal(settings.WEIR_JOURNAL_DIR, journalOptions);
    const connection = await connectBus({
      url: settings.WEIR_NATS_URL,
      user: settings.WEIR_NATS_USER,
      password: settings.WEIR_NATS_PASSWORD,
      name: settings.WEIR_SERVICE_ID,
      inboxPrefix: '_INBOX_ingress',
      onError: report('the bus has a fault'),
    });
    const catalog = await openCatalog({
      connection,
      buckets: [KV_BUCKETS.catalog, KV_BUCKETS.prices],
      clock,
      staleAfterMs: CATALOG_STALE_AFTER_MS * settings.WEIR_TIME_SCALE,
      timeScale: settings.WEIR_TIME_SCALE,
      onError: report('a record of the catalog cannot be read'),
    });
    const publishing = { connection, partitions: EVENT_PARTITIONS, timeScale: settings.WEIR_TIME_SCALE };
    const events = new EventPublisher({ ...publishing, journal, onError: report('publishing an event failed') });
    events.start();
    const adoption = adoptOrphans({
      ...publishing,
      parentFolder: settings.WEIR_JOURNAL_DIR,
      journal: journalOptions,
    });
    const channel = new CallChannel({ connection, ingressId: settings.WEIR_SERVICE_ID, timing, clock });
    health.register('bus', () => ({ ok: connection.isConnected }));
    health.register('catalog', () => ({ ok: catalog.state() === 'ready', detail: catalog.state() }));
    health.register('journal', () => ({ ok: events.isReady() }));
    return new Resources({ connection, catalog, journal, events, channel, timing, adoption });
  }

  /** In the reverse order, each flushed before what it stands on is closed. Called by Nest at the end of a drain. */
  async onModuleDestroy(): Promise<void> {
    const { channel, adoption, events, catalog, journal, connection } = this.opened;
    channel.close();
    await adoption.close();
    await events.close(FLUSH_WITHIN_MS);
    catalog.close();
    await journal.close();
    await connection.close();
  }
}
