export { WarehouseMigrationError, migrateWarehouse, type WarehouseMigration } from './migrations.js';
export { WarehouseRejection } from './rejection.js';
export { WAREHOUSE_SCHEMA } from './schema/schema.js';
export {
  createWarehouse,
  type InsertBatch,
  type Parameter,
  type Warehouse,
  type WarehouseSettings,
} from './warehouse.js';
