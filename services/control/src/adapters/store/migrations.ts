import { outboxMigration, type Migration } from '@weir/store';

/** Schema `control`. Append-only: an applied step is only followed by another. */
export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'catalog',
    statements: [
      `CREATE TABLE catalog_entries (
         bucket text NOT NULL, kind text NOT NULL, id text NOT NULL,
         version bigint NOT NULL, document jsonb NOT NULL, fingerprint text NOT NULL, is_removed boolean NOT NULL,
         changed_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (bucket, kind, id))`,
      'CREATE SEQUENCE catalog_version',
    ],
  },
  outboxMigration(2),
];
