import { landingMigration } from '@weir/landing';
import type { Migration } from '@weir/store';

/** Nobody changes or removes a row of it, its owner included, for as long as the triggers stand. */
const appendOnly = (table: string): string[] => [
  `CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE ON ${table}
     FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()`,
  `CREATE TRIGGER ${table}_never_emptied BEFORE TRUNCATE ON ${table}
     FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()`,
];

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

/** Prices that were imported and who let them in. A proposal is decided once; neither is ever changed. */
const priceProposals: Migration = {
  number: 4,
  name: 'price-proposals',
  statements: [
    `CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'billing.% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$`,
    `CREATE TABLE price_proposals (
       proposal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       price_version text NOT NULL,
       record jsonb NOT NULL,
       reasons jsonb NOT NULL,
       proposed_by text NOT NULL,
       proposed_at timestamptz NOT NULL DEFAULT now())`,
    `CREATE TABLE price_decisions (
       proposal bigint PRIMARY KEY REFERENCES price_proposals,
       decided_by text NOT NULL,
       note text NOT NULL,
       decided_at timestamptz NOT NULL DEFAULT now())`,
    ...appendOnly('price_proposals'),
    ...appendOnly('price_decisions'),
  ],
};

/** Schema `billing` of Postgres. Append-only. */
export const BILLING_MIGRATIONS: readonly Migration[] = [
  landingMigration(1),
  priceVersions,
  priceConditions,
  priceProposals,
];
