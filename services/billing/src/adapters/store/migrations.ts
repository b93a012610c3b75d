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

/** A version's price by region, context band and tier of service. */
const priceConditions: Migration = {
  number: 3,
  name: 'price-conditions',
  statements: [
    `ALTER TABLE price_versions ADD COLUMN region text, ADD COLUMN bands jsonb, ADD COLUMN tiers jsonb`,
    `ALTER TABLE price_versions DROP CONSTRAINT price_versions_key_valid_from_key`,
    `CREATE UNIQUE INDEX price_versions_once ON price_versions (key, coalesce(region, ''), valid_from)`,
    `CREATE TRIGGER price_versions_are_never_emptied BEFORE TRUNCATE ON price_versions
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  ],
};

/** Schema `billing` of Postgres. Append-only. */
export const BILLING_MIGRATIONS: readonly Migration[] = [landingMigration(1), priceVersions, priceConditions];
