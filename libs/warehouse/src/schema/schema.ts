import type { WarehouseMigration } from '../migrations.js';
import { landedTables } from './landed-tables.js';
import { logLeaves } from './log-leaves.js';
import { peopleViews } from './people-views.js';
import { securityEvents } from './security-events.js';
import { spendDaily } from './spend-daily.js';

/**
 * The schema of database `weir`, in one list because the views for people join what several sinks land. Every sink runs it when it
 * starts. `events`, `calls_landed`, `log_leaves`, `security_event_log` and `directory` are written by audit, `attempts_landed` and
 * `charges_landed` by billing, `dead_letters` by both; `spend_daily` follows the charges by itself.
 */
export const WAREHOUSE_SCHEMA: readonly WarehouseMigration[] = [
  landedTables,
  peopleViews,
  logLeaves,
  spendDaily,
  securityEvents,
];
