import { createDataSource, type DataSource } from '@weir/store';
import { createWarehouse, type Warehouse, type WarehouseSettings } from '@weir/warehouse';
import { findConnection } from '../connection.js';

/** What the audit commands use of a running stack. */
export interface StackAccess {
  readonly warehouse: Warehouse;
  /** How a thread opens it for itself. */
  readonly warehouseSettings: WarehouseSettings;
  readonly store: DataSource;
  /** Where audit copies checkpoints to. */
  readonly checkpoints: string | undefined;
  close(): Promise<void>;
}

/** Verification reads many rows in one statement. */
const REQUEST_WITHIN_MS = 120_000;

/**
 * Opens the record of the stack in `home`, as the user people query with: nothing can be changed by what follows.
 *
 * @throws where no stack was started there, or its parts do not answer.
 */
export async function openStack(home: string): Promise<StackAccess> {
  const connection = findConnection(home);
  if (!connection?.clickhouse || !connection.postgres) {
    throw new Error(`No stack with a record has been started in ${home}. Name its folder: --home DIR.`);
  }
  const { url, user, password, database } = connection.clickhouse;
  const warehouseSettings = {
    url,
    user,
    password,
    database,
    application: 'weir-cli',
    requestWithinMs: REQUEST_WITHIN_MS,
  };
  const warehouse = createWarehouse(warehouseSettings);
  const store = createDataSource({ url: connection.postgres.url, schema: 'audit', entities: [], poolSize: 2 });
  await store.initialize();
  return {
    warehouse,
    warehouseSettings,
    store,
    checkpoints: connection.internal?.checkpoints,
    close: async () => {
      await store.destroy();
      await warehouse.close();
    },
  };
}
