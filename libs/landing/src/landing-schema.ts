import type { Migration, StoreAddress } from '@weir/store';

/** Landing's own schema beside the sink's: who writes, and what they are about to insert. Append-only. */
export const LANDING_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'fences-and-intents',
    statements: [
      `CREATE TABLE landing_fences (
         partition integer PRIMARY KEY,
         epoch bigint NOT NULL,
         backend integer NOT NULL,
         renewed_at timestamptz NOT NULL DEFAULT now(),
         doubts jsonb NOT NULL DEFAULT '[]')`,
      `COMMENT ON TABLE landing_fences IS
         'The one writer of each partition: a higher epoch deposes it. "doubts" are runs of events that may stand in the warehouse
          though no watermark says so.'`,
      `CREATE TABLE landing_intents (
         partition integer PRIMARY KEY,
         epoch bigint NOT NULL,
         stream_created text NOT NULL,
         positions jsonb NOT NULL,
         runs jsonb NOT NULL,
         inserts jsonb NOT NULL,
         recorded_at timestamptz NOT NULL,
         done_at timestamptz)`,
      `COMMENT ON TABLE landing_intents IS
         'The last batch of each partition: which messages of which stream, which events, and the token of each insert, which is the
          digest of its rows. Written before the first insert; "done_at" is set together with the watermarks.'`,
    ],
  },
];

/** Where {@link LANDING_MIGRATIONS} live for a sink. */
export const landingStore = ({ url, schema }: StoreAddress): StoreAddress => ({ url, schema: `${schema}_landing` });
