import type { JournalOptions } from '@weir/journal';
import type { BusConnection } from '../connection/bus-connection.js';

export interface AdoptionOptions {
  readonly connection: BusConnection;
  readonly partitions: number;
  /** Folder that holds one's own folder and those of other producers. */
  readonly parentFolder: string;
  /** How a folder is opened; `service` says whose folders are adopted. */
  readonly journal: Omit<JournalOptions, 'folder'>;
  readonly timeScale?: number;
  /** Default: every 10 s. */
  readonly everyMs?: number;
  readonly onAdopted?: (folder: string, producerId: string) => void;
  readonly onRemoved?: (folder: string, producerId: string) => void;
}

/**
 * Looks now and then for folders of the same service whose owner is dead, opens them, closes what was open in them, publishes
 * until every sink has landed all of it, and removes them.
 */
export function adoptOrphans(options: AdoptionOptions): { close(): Promise<void> } {
  throw new Error(`not built yet ${options.parentFolder}`);
}
