import { join } from 'node:path';
import { adoptOrphans, EventPublisher, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS } from '@weir/contracts';
import { openJournal, type Journal, type JournalOptions } from '@weir/journal';
import type { Clock, Logger } from '@weir/kit';
import { closeOpenAttempts, closesAttempt, opensAttempt } from '../../domain/close-open.js';
import type { ProvidersSettings } from '../../settings.js';

/** What a process may still publish once its calls have ended; the rest is in the journal. */
const FLUSH_WITHIN_MS = 2_000;

/** The record of this worker's attempts, and of those that dead workers beside it left behind. */
export interface AttemptJournal {
  readonly publisher: EventPublisher;
  readonly journal: Journal;
  /** Publishes what waits; what cannot be published in time is in the journal. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface AttemptJournalOptions {
  readonly connection: BusConnection;
  readonly settings: ProvidersSettings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the worker's own journal, which first closes what its last run left open, and begins to publish. */
export async function openAttemptJournal({
  connection,
  settings,
  clock,
  logger,
}: AttemptJournalOptions): Promise<AttemptJournal> {
  const onError = (error: Error) => logger.error({ err: error }, 'record');
  const timeScale = settings.WEIR_TIME_SCALE;
  const options: Omit<JournalOptions, 'folder'> = {
    service: 'providers',
    instance: settings.WEIR_SERVICE_ID,
    clock,
    highWaterBytes: settings.WEIR_JOURNAL_HIGH_WATER_BYTES,
    segmentBytes: settings.WEIR_JOURNAL_SEGMENT_BYTES,
    fsyncEveryMs: settings.WEIR_JOURNAL_FSYNC_MS,
    closeOpen: (events) => closeOpenAttempts(events, clock.now()),
    opens: opensAttempt,
    closes: closesAttempt,
    onError,
  };
  const parentFolder = settings.WEIR_JOURNAL_DIR;
  const journal = await openJournal({ ...options, folder: join(parentFolder, settings.WEIR_SERVICE_ID) });
  const publisher = new EventPublisher({ connection, journal, partitions: EVENT_PARTITIONS, timeScale, onError });
  publisher.start();
  const adoption = adoptOrphans({
    connection,
    partitions: EVENT_PARTITIONS,
    parentFolder,
    journal: options,
    timeScale,
    onAdopted: (folder, producerId) => logger.warn({ folder, producerId }, 'adopted the journal of a dead worker'),
    onRemoved: (folder, producerId) => logger.info({ folder, producerId }, 'an adopted journal has landed'),
  });
  return {
    publisher,
    journal,
    flush: () => publisher.close(FLUSH_WITHIN_MS),
    close: async () => {
      await adoption.close();
      await journal.close();
    },
  };
}
