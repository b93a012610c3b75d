import { landingMigration } from '@weir/landing';
import type { Migration } from '@weir/store';

const priceVersions: Migration = {
  number: 2,
  name: 'price-versions',
  statements: [
    `CREATE TABLE price_versions (
       price_version text PRIMARY KEY,
       key text NOT NULL,
       valid_from timestamptz NOT NULL,
       rates jsonb NOT NULL,
       source text NOT NULL,
       stored_at timestamptz NOT NULL DEFAULT now(),
       UNIQUE (key, valid_from))`,
    `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'price versions never change'; END $$`,
    `CREATE TRIGGER price_versions_never_change BEFORE UPDATE OR DELETE ON price_versions
       FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  ],
};

/** Schema `billing` of Postgres. Append-only. */
export const BILLING_MIGRATIONS: readonly Migration[] = [landingMigration(1), priceVersions];
