import { landingMigration } from '@weir/landing';
import type { Migration } from '@weir/store';
import { logMigration } from './log-migration.js';

/** Schema `audit` of Postgres. Append-only. */
export const AUDIT_MIGRATIONS: readonly Migration[] = [landingMigration(1), logMigration(2)];
