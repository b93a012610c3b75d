import type { Warehouse } from '@weir/warehouse';
import {
  ATTEMPT_RULES,
  CALL_RULES,
  CHARGE_RULES,
  EVENT_RULES,
  type AttemptFacts,
  type CallFacts,
  type ChargeFacts,
  type EventFacts,
} from './column-rules.js';
import { TableReader } from './table-reader.js';

/** A base table as far as its rows are counted. */
export type RowCounter = Pick<TableReader<never>, 'table' | 'countByEpoch' | 'countWithin' | 'checkColumns'>;

/** Readers of the base tables. */
export class BaseTables {
  readonly events: TableReader<EventFacts>;
  readonly calls: TableReader<CallFacts>;
  readonly attempts: TableReader<AttemptFacts>;
  readonly charges: TableReader<ChargeFacts>;

  constructor(warehouse: Warehouse) {
    this.events = new TableReader(warehouse, EVENT_RULES);
    this.calls = new TableReader(warehouse, CALL_RULES);
    this.attempts = new TableReader(warehouse, ATTEMPT_RULES);
    this.charges = new TableReader(warehouse, CHARGE_RULES);
  }

  /** Tables that audit lands. */
  get ofAudit(): readonly RowCounter[] {
    return [this.events, this.calls];
  }

  /** Tables that billing lands. */
  get ofBilling(): readonly RowCounter[] {
    return [this.attempts, this.charges];
  }

  /** @throws AuditFault where a table has a column that nothing here checks. */
  async checkColumns(): Promise<void> {
    for (const reader of [...this.ofAudit, ...this.ofBilling]) await reader.checkColumns();
  }
}
