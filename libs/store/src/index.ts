export type { DataSource, EntityManager } from 'typeorm';
export { type Query, type Rows, type StoreAddress } from './connection.js';
export { createDataSource, openDataSource, type DataSourceSettings, type OpenOptions } from './data-source.js';
export { acquireLock, type LockOptions, type LockSession } from './lock-session.js';
export { MigrationError, runMigrations, type Migration, type MigrationOptions } from './migrations.js';
export { outboxMigration, writeOutbox, type OutboxEntry, type OutboxMessage } from './outbox.js';
export { startOutboxRelay, type OutboxRelay, type OutboxRelayOptions } from './outbox-relay.js';
