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

  /** Null where the price holds wherever no region has its own. */
  @Column({ type: 'text', nullable: true })
  region!: string | null;

  /** Pico-USD per token of each bucket, as integer strings. */
  @Column({ type: 'jsonb' })
  rates!: PriceRecord['rates'];

  @Column({ type: 'jsonb', nullable: true })
  bands!: PriceRecord['bands'] | null;

  @Column({ type: 'jsonb', nullable: true })
  tiers!: PriceRecord['tiers'] | null;

  @Column({ type: 'text' })
  source!: string;

  @CreateDateColumn({ name: 'stored_at', type: 'timestamptz' })
  storedAt!: Date;
}
