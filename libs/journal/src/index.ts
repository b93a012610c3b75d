export {
  JournalLockedError,
  type JournalLine,
  type JournalOptions,
  type JournalState,
  type WrittenCallback,
  type WrittenEvent,
} from './journal-options.js';
export type { Journal } from './journal.js';
export type { JournalDisk, SegmentFile } from './journal-disk.js';
export { findOrphans, openInstanceJournal, openJournal, openJournalOn } from './open-journal.js';
