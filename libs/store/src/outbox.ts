import type { EntityManager } from 'typeorm';
import type { Migration } from './migrations.js';

/** A message to be published because of a change, written in the change's own transaction. */
export interface OutboxMessage {
  readonly topic: string;
  readonly key: string;
  readonly payload: object;
}

/** A message as the relay hands it out: `id` grows in the order of commits. */
export interface OutboxEntry extends OutboxMessage {
  readonly id: string;
}

/** The table behind {@link writeOutbox}: part of the owner's list of migrations, under the number given. */
export function outboxMigration(number: number): Migration {
  return {
    number,
    name: 'outbox',
    statements: [
      `CREATE TABLE outbox (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         topic text NOT NULL, key text NOT NULL, payload jsonb NOT NULL,
         created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz)`,
      'CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL',
    ],
  };
}

/** Channel of NOTIFY that wakes a schema's relay. */
export const outboxChannel = (schema: string): string => `weir_outbox_${schema}`;

/**
 * Writes messages in the caller's transaction: they go out if and only if it commits, in the order of commits. Writers of one schema
 * queue for that from here to their commit, so write them last.
 */
export async function writeOutbox(manager: EntityManager, ...messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await manager.query("SELECT pg_advisory_xact_lock(hashtextextended('weir:outbox:' || current_schema(), 0))");
  await manager.query(
    `INSERT INTO outbox (topic, key, payload)
     SELECT message->>'topic', message->>'key', message->'payload'
     FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS m(message, position) ORDER BY position`,
    [JSON.stringify(messages)],
  );
  await manager.query("SELECT pg_notify('weir_outbox_' || current_schema(), '')");
}
