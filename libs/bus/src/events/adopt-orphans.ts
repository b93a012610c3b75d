import { findOrphans, JournalLockedError, openJournal, type Journal, type JournalOptions } from '@weir/journal';
import type { BusConnection } from '../connection/bus-connection.js';
import { EventPublisher } from './event-publisher.js';

export interface AdoptionOptions {
  readonly connection: BusConnection;
  readonly partitions: number;
  /** Folder that holds one's own folder and those of other producers. */
  readonly parentFolder: string;
  /** How a folder is opened; `service` says whose folders are adopted. */
  readonly journal: Omit<JournalOptions, 'folder'>;
  /** Multiplies every interval; default 1. */
  readonly timeScale?: number;
  /** How often is looked, in milliseconds at scale 1. Default 10 s. */
  readonly everyMs?: number;
  /** How folders are found and opened; by default in the file system. */
  readonly folders?: JournalFolders;
  readonly onAdopted?: (folder: string, producerId: string) => void;
  readonly onRemoved?: (folder: string, producerId: string) => void;
}

/** The journals' folders that an adopter sees. */
export interface JournalFolders {
  readonly findOrphans: typeof findOrphans;
  readonly openJournal: typeof openJournal;
}

/**
 * Looks now and then for folders of the same service whose owner is dead, opens them, closes what was open in them, publishes
 * until every sink has landed all of it, and removes them. A folder is taken only when two looks in a row found it free: a process
 * that is just being restarted gets its own folder back.
 */
export class OrphanAdopter {
  private readonly abort = new AbortController();
  private readonly adoptions = new Map<string, Promise<void>>();
  private freeLastTime = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  private readonly folders: JournalFolders;

  constructor(private readonly options: AdoptionOptions) {
    this.folders = options.folders ?? { findOrphans, openJournal };
    this.plan();
  }

  /** Stops; what is being adopted keeps for the next adopter. */
  async close(): Promise<void> {
    this.abort.abort();
    clearTimeout(this.timer);
    await this.looking;
    await Promise.all(this.adoptions.values());
  }

  private plan(): void {
    if (this.abort.signal.aborted) return;
    const { everyMs = 10_000, timeScale = 1 } = this.options;
    this.timer = setTimeout(() => {
      this.looking = this.look().finally(() => this.plan());
    }, everyMs * timeScale);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    const { parentFolder, journal } = this.options;
    let orphans: string[];
    try {
      orphans = await this.folders.findOrphans(parentFolder, journal.service);
    } catch (error) {
      return journal.onError(toError(error));
    }
    const overdue = orphans.filter((folder) => this.freeLastTime.has(folder));
    this.freeLastTime = new Set(orphans);
    for (const folder of overdue) {
      if (this.abort.signal.aborted || this.adoptions.has(folder)) continue;
      this.adoptions.set(
        folder,
        this.adopt(folder).finally(() => this.adoptions.delete(folder)),
      );
    }
  }

  private async adopt(folder: string): Promise<void> {
    const { journal: journalOptions } = this.options;
    let journal: Journal | undefined;
    try {
      journal = await this.folders.openJournal({ ...journalOptions, folder });
      this.options.onAdopted?.(folder, journal.producerId);
      await this.publishAll(journal);
      if (this.abort.signal.aborted) return await journal.close();
      await journal.remove();
      this.options.onRemoved?.(folder, journal.producerId);
    } catch (error) {
      // Its owner, or another adopter, was faster: nothing to do.
      if (error instanceof JournalLockedError) return;
      await journal?.close();
      journalOptions.onError(toError(error));
    }
  }

  /** Until every sink has landed all of it, or we are stopped. */
  private async publishAll(journal: Journal): Promise<void> {
    const { connection, partitions, timeScale = 1, journal: journalOptions } = this.options;
    const { onError } = journalOptions;
    const publisher = new EventPublisher({ connection, journal, partitions, timeScale, isAdopted: true, onError });
    publisher.start();
    while (journal.unreleased().length > 0 && !this.abort.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 200 * timeScale));
    }
    await publisher.close(0);
  }
}

const toError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));

/** Starts adopting; see {@link OrphanAdopter}. Close it before one's own publisher. */
export function adoptOrphans(options: AdoptionOptions): OrphanAdopter {
  return new OrphanAdopter(options);
}
