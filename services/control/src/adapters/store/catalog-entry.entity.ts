import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One record of the catalog as people decided it. Removed ones stay with their version, so that an older copy on the bus cannot win. */
@Entity({ schema: 'control', name: 'catalog_entries' })
export class CatalogEntryEntity {
  @PrimaryColumn({ type: 'text' })
  bucket!: string;

  @PrimaryColumn({ type: 'text' })
  kind!: string;

  @PrimaryColumn({ type: 'text' })
  id!: string;

  /** From one sequence for all records: a later change always has the higher number. */
  @Column({ type: 'bigint' })
  version!: string;

  @Column({ type: 'jsonb' })
  document!: object;

  @Column({ type: 'text' })
  fingerprint!: string;

  @Column({ type: 'boolean', name: 'is_removed' })
  isRemoved!: boolean;

  @Column({ type: 'timestamptz', name: 'changed_at', default: () => 'now()' })
  changedAt!: Date;
}
