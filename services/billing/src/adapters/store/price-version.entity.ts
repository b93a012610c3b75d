import type { PriceRecord } from '@weir/contracts';
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** One immutable dated price. A trigger refuses changes. */
@Entity({ name: 'price_versions' })
export class PriceVersionEntity {
  @PrimaryColumn({ name: 'price_version', type: 'text' })
  priceVersion!: string;

  @Column({ type: 'text' })
  key!: string;

  @Column({ name: 'valid_from', type: 'timestamptz' })
  validFrom!: Date;

  /** Pico-USD per token of each bucket, as integer strings. */
  @Column({ type: 'jsonb' })
  rates!: PriceRecord['rates'];

  @Column({ type: 'text' })
  source!: string;

  @CreateDateColumn({ name: 'stored_at', type: 'timestamptz' })
  storedAt!: Date;
}
