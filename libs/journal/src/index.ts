export {
  JournalLockedError,
  type JournalLine,
  type JournalOptions,
  type JournalState,
  type WrittenCallback,
  type WrittenEvent,
} from './journal-options.js';
export { findOrphans, openJournal, type Journal } from './journal.js';
