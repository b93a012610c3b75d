import { landingMigration } from '@weir/landing';
import type { Migration } from '@weir/store';

/** Schema `audit` of Postgres. Append-only. */
export const AUDIT_MIGRATIONS: readonly Migration[] = [landingMigration(1)];
