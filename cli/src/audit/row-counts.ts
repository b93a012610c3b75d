import { epochKey, type LeafOrigin } from './leaf-log.js';

type ProducerEpoch = Pick<LeafOrigin, 'producerId' | 'epoch'>;

/** Rows of a table of one producer and epoch. */
export interface RowCount extends ProducerEpoch {
  readonly table: string;
  rows: number;
}

/** How many rows of each table stand for a leaf. */
export class RowCounts {
  private readonly counts = new Map<string, RowCount>();
  private open: RowCount = { table: '', producerId: '', epoch: 0, rows: 0 };

  list(): readonly RowCount[] {
    return [...this.counts.values()];
  }

  add(table: string, { producerId, epoch }: ProducerEpoch, rows: number): void {
    let { open } = this;
    // Mostly the same producer as before.
    if (open.table !== table || open.producerId !== producerId || open.epoch !== epoch) {
      const key = `${table} ${epochKey({ producerId, epoch })}`;
      open = this.counts.get(key) ?? { table, producerId, epoch, rows: 0 };
      this.counts.set(key, open);
      this.open = open;
    }
    open.rows += rows;
  }
}
