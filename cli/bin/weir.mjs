#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error('weir is not built yet: run `npm start` once, or `npx tsc -b`.');
  process.exit(1);
}
await import(main.href);
