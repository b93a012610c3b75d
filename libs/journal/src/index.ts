export {
  JournalLockedError,
  type JournalLine,
  type JournalOptions,
  type JournalState,
  type WrittenCallback,
  type WrittenEvent,
} from './journal-options.js';
export type { Journal } from './journal.js';
export { findOrphans, openInstanceJournal, openJournal } from './open-journal.js';
