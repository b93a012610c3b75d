export { openCatalog, type Catalog, type CatalogOptions, type CatalogState } from './catalog.js';
