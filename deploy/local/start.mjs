#!/usr/bin/env node
// The entry of one machine: plain JavaScript on Node's built-ins, because nothing is installed yet.
// It installs when the lock file changed, builds, and hands over to the launcher in dist/.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_LEAST = [20, 19];
const DOWNLOAD = 'about 290 MB to download, 1 GB on disk';
const folder = dirname(fileURLToPath(import.meta.url));
const root = resolve(folder, '../..');
const marker = join(root, 'node_modules', '.weir-installed');
const flags = new Set(process.argv.slice(2));

function fail(what, cure) {
  console.error(`\n✗ ${what}\n  ${cure}\n`);
  process.exit(1);
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isOld = major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1]);
  if (isOld) {
    fail(
      `Node ${process.versions.node} is too old: Weir needs ${NODE_LEAST.join('.')} or newer.`,
      'Install a current Node from https://nodejs.org (or `nvm install 22`), then run `npm start` again.',
    );
  }
  if (process.platform === 'win32') {
    fail('Windows is not supported: the embedded ClickHouse has no build for it.', 'Run it inside WSL 2.');
  }
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** True where npm has run on this lock file, by us (the marker) or by hand (its hidden lock file is newer). */
function isInstalled(hash) {
  if (existsSync(marker)) return readFileSync(marker, 'utf8').trim() === hash;
  const hidden = join(root, 'node_modules', '.package-lock.json');
  return existsSync(hidden) && statSync(hidden).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function install() {
  const hash = lockHash();
  if (isInstalled(hash)) {
    if (!existsSync(marker)) writeFileSync(marker, hash);
    return;
  }
  const started = performance.now();
  console.log(`• installing npm packages (${DOWNLOAD}; about a minute) …`);
  // Not `npm ci`: the lock was made where packages of other platforms could not be had.
  const npm = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (npm.error) fail(`npm could not be started: ${npm.error.message}`, 'Install npm, then run `npm start` again.');
  if (npm.status !== 0) {
    fail(
      `npm install failed (exit code ${npm.status ?? npm.signal}).`,
      'Its message is above. Usual causes: no network or proxy (npm config set proxy …), a full disk, a read-only folder.',
    );
  }
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, hash);
  console.log(`✓ npm packages  ${seconds(started)}`);
}

function build() {
  const started = performance.now();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler)) {
    fail('The TypeScript compiler is missing.', `Delete ${marker} and run \`npm start\` again to reinstall.`);
  }
  // What runs, and the libraries it refers to: not test/, whose SDKs take the compiler longest.
  const services = readdirSync(join(root, 'services')).map((name) => join('services', name));
  const projects = ['deploy/local', 'cli', 'simulator', ...services];
  const tsc = spawnSync(process.execPath, [compiler, '-b', '--pretty', ...projects], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (tsc.status !== 0) {
    fail(
      'The build failed.',
      'The compiler says where, above. On an unchanged clone: `npx tsc -b --clean`, then start again.',
    );
  }
  console.log(`✓ build  ${seconds(started)}`);
}

checkNode();
// Tests and a restart of built code skip both; they say so themselves.
if (!flags.has('--no-build')) {
  install();
  build();
}
const launcher = join(folder, 'dist', 'launcher.js');
if (!existsSync(launcher))
  fail('deploy/local is not built.', 'Run `npx tsc -b deploy/local`, or start without --no-build.');
const { launch } = await import(pathToFileURL(launcher).href);
await launch(process.argv.slice(2));
