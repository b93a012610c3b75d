export { createKey, hmacKey, parseKey, type NewKey } from './key.js';
export { UnsealError, open, seal } from './seal.js';
