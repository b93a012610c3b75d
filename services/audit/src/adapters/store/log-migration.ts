import type { Migration } from '@weir/store';

/** Heads of the tamper-evident log, its checkpoints and its public keys. What was signed is never changed or taken back. */
export const logMigration = (number: number): Migration => ({
  number,
  name: 'tamper-evident-log',
  statements: [
    `CREATE TABLE log_heads (
       partition integer PRIMARY KEY,
       size bigint NOT NULL,
       frontier bytea NOT NULL,
       updated_at timestamptz NOT NULL DEFAULT now())`,
    `COMMENT ON TABLE log_heads IS
       'Leaves of each partition''s Merkle log and the roots of its full subtrees, largest first; moved together with the watermarks.'`,
    `CREATE TABLE log_keys (
       verifier_key text PRIMARY KEY,
       first_signed_at timestamptz NOT NULL)`,
    `CREATE TABLE log_checkpoints (
       number bigint GENERATED ALWAYS AS IDENTITY,
       partition integer NOT NULL,
       signed_at timestamptz NOT NULL,
       size bigint NOT NULL,
       note text NOT NULL,
       PRIMARY KEY (partition, number),
       UNIQUE (partition, signed_at))`,
    `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'what was signed never changes'; END $$`,
    `CREATE TRIGGER log_checkpoints_never_change BEFORE UPDATE OR DELETE ON log_checkpoints
       FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
    `CREATE TRIGGER log_keys_never_change BEFORE UPDATE OR DELETE ON log_keys
       FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  ],
});
