export { openCatalog, type Catalog, type CatalogOptions } from './catalog.js';
export type { CatalogState } from './freshness.js';
