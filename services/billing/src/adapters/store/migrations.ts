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

/**
 * The ledger. An entry is one line of an attempt, or what changed of it later: quantity and amount are differences, so a sum over entries
 * is what is owed. `rate_pico` and `amount_pico` are null where there is no price. Nothing is ever changed or removed, and a month that is
 * closed takes nothing any more.
 */
const ledger: Migration = {
  number: 5,
  name: 'ledger',
  statements: [
    `CREATE TABLE closings (
       closing bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       kind text NOT NULL CHECK (kind IN ('hour', 'month', 're-rating')),
       done_by text NOT NULL,
       detail jsonb NOT NULL,
       done_at timestamptz NOT NULL DEFAULT now())`,
    `CREATE TABLE closed_hours (
       hour timestamptz NOT NULL,
       closing bigint NOT NULL REFERENCES closings,
       facts bigint NOT NULL,
       PRIMARY KEY (hour, closing))`,
    `CREATE TABLE closed_months (
       month text PRIMARY KEY CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
       closing bigint NOT NULL REFERENCES closings,
       entries bigint NOT NULL,
       amount_pico numeric(38, 0) NOT NULL,
       closed_by text NOT NULL,
       closed_at timestamptz NOT NULL DEFAULT now())`,
    `CREATE TABLE ledger_entries (
       entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       attempt_id uuid NOT NULL,
       line smallint NOT NULL CHECK (line >= 0),
       revision integer NOT NULL CHECK (revision >= 0),
       kind text NOT NULL CHECK (kind IN ('charge', 'late', 'correction', 're-rating')),
       month text NOT NULL,
       charged_at timestamptz(3) NOT NULL,
       closing bigint NOT NULL REFERENCES closings,
       organisation_id text NOT NULL, team_id text NOT NULL, person_id text NOT NULL, key_id text NOT NULL,
       application text NOT NULL, provider text NOT NULL, deployment_id text NOT NULL, model text NOT NULL,
       upstream_model text NOT NULL, region text NOT NULL,
       bucket text NOT NULL,
       quantity numeric(20, 0) NOT NULL,
       rate_pico numeric(38, 0),
       amount_pico numeric(38, 0),
       price_version text NOT NULL,
       usage_source text NOT NULL,
       simulated boolean NOT NULL,
       UNIQUE (attempt_id, line, revision),
       CHECK ((rate_pico IS NULL) = (amount_pico IS NULL)))`,
    `CREATE INDEX ledger_entries_by_month ON ledger_entries (month, entry)`,
    `CREATE INDEX ledger_entries_by_time ON ledger_entries (charged_at)`,
    `CREATE INDEX ledger_entries_without_price ON ledger_entries (month) WHERE rate_pico IS NULL`,
    `CREATE FUNCTION refuse_closed_month() RETURNS trigger LANGUAGE plpgsql AS
       $$ DECLARE closed text;
       BEGIN
         SELECT m.month INTO closed FROM closed_months m WHERE m.month IN (SELECT added.month FROM added) LIMIT 1;
         IF closed IS NOT NULL THEN
           RAISE EXCEPTION 'billing month % is closed', closed USING ERRCODE = 'restrict_violation';
         END IF;
         RETURN NULL;
       END $$`,
    `CREATE TRIGGER ledger_entries_in_open_months AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_month()`,
    ...['closings', 'closed_hours', 'closed_months', 'ledger_entries'].flatMap(appendOnly),
  ],
};

/** Names the schema: a temporary table of the same name is found before it, and made every closed month look open. */
const closedMonthsByName: Migration = {
  number: 6,
  name: 'closed-months-by-name',
  statements: [
    `CREATE OR REPLACE FUNCTION refuse_closed_month() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, billing, pg_temp AS
       $$ DECLARE closed text;
       BEGIN
         SELECT m.month INTO closed FROM billing.closed_months m WHERE m.month IN (SELECT added.month FROM added) LIMIT 1;
         IF closed IS NOT NULL THEN
           RAISE EXCEPTION 'billing month % is closed', closed USING ERRCODE = 'restrict_violation';
         END IF;
         RETURN NULL;
       END $$`,
  ],
};

/**
 * What the record has and the ledger does not take, a row a line; it ends when it is cured. Neither is ever changed. `line` is -1 for an
 * event that says that nothing was used; `month` does not close over what is open.
 */
const setAside: Migration = {
  number: 7,
  name: 'set-aside',
  statements: [
    `ALTER TABLE closings DROP CONSTRAINT closings_kind_check,
       ADD CONSTRAINT closings_kind_check CHECK (kind IN ('hour', 'month', 're-rating', 'set-aside'))`,
    `CREATE TABLE set_aside (
       item bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       kind text NOT NULL CHECK (kind IN ('fault', 'conflict')),
       reason text NOT NULL,
       attempt_id uuid NOT NULL,
       origin text NOT NULL,
       line smallint NOT NULL,
       bucket text NOT NULL,
       quantity numeric(20, 0) NOT NULL,
       recorded_pico numeric(38, 0),
       booked_pico numeric(38, 0),
       price_version text NOT NULL,
       usage_source text NOT NULL,
       provider text NOT NULL,
       model text NOT NULL,
       hour timestamptz NOT NULL,
       month text NOT NULL,
       closing bigint NOT NULL REFERENCES closings,
       first_seen timestamptz NOT NULL DEFAULT now())`,
    `CREATE TABLE set_aside_ends (
       item bigint PRIMARY KEY REFERENCES set_aside,
       closing bigint NOT NULL REFERENCES closings,
       ended_at timestamptz NOT NULL DEFAULT now())`,
    `CREATE INDEX set_aside_by_attempt ON set_aside (attempt_id, item)`,
    ...['set_aside', 'set_aside_ends'].flatMap(appendOnly),
  ],
};

/** What a month or a span of time is read by, a bounded page at a time. */
const pagedReads: Migration = {
  number: 8,
  name: 'paged-reads',
  statements: [
    `DROP INDEX ledger_entries_by_time, ledger_entries_without_price`,
    `CREATE INDEX ledger_entries_by_time ON ledger_entries (charged_at, entry)`,
    `CREATE INDEX ledger_entries_without_price ON ledger_entries (entry) WHERE rate_pico IS NULL`,
    `CREATE INDEX ledger_entries_of_month_without_price ON ledger_entries (month, entry) WHERE rate_pico IS NULL`,
  ],
};

/** Schema `billing` of Postgres. Append-only. */
export const BILLING_MIGRATIONS: readonly Migration[] = [
  landingMigration(1),
  priceVersions,
  priceConditions,
  priceProposals,
  ledger,
  closedMonthsByName,
  setAside,
  pagedReads,
];
