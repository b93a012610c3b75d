/**
 * `npm test`: builds, runs every pure spec in jest, then every integration spec and every test of test/ as a process of its own,
 * on stacks it starts itself. Nothing is skipped: a part that is missing, a suite without a test and a skipped test all fail.
 * A name after `--` runs only the files whose path contains it: `npm test -- libs/bus`. The last line is `N passed, N failed`.
 *
 * These suites kill, pause and cut real processes, so a starved machine can fail one that holds. A few that failed get a second look, alone, at the
 * end: the first failure stays in the output and the suite is named as flaky, never silently passed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const SCRATCH = mkdtempSync(join(tmpdir(), 'weir-test-'));
const BUILD_MS = 300_000;
const JEST_MS = 300_000;
const SUITE_MS = 600_000;
/** More failures than this are no accident: nothing gets a second look. */
const SECOND_LOOKS_MAX = 3;

/** Where suites are, and how many run at once: whole stacks and tests of timing have the machine to themselves. */
const PLACES = [
  { name: 'libs', folder: 'libs', pattern: /^[^/]+\/src\/.*\.int-spec\.ts$/, lanes: 2 },
  { name: 'services', folder: 'services', pattern: /^[^/]+\/src\/.*\.int-spec\.ts$/, lanes: 2 },
  { name: 'simulator', folder: 'simulator', pattern: /^src\/.*\.int-spec\.ts$/, lanes: 2 },
  { name: 'cli', folder: 'cli', pattern: /^src\/.*\.int-spec\.ts$/, lanes: 2 },
  { name: 'deploy', folder: 'deploy/local', pattern: /^src\/.*\.int-spec\.ts$/, lanes: 2 },
  {
    name: 'test/e2e',
    folder: 'test',
    pattern: /^e2e\/(?!promises|record-latency|upstream-cancel).*\.test\.ts$/,
    lanes: 2,
  },
  // These state how long something takes: beside another suite they would measure that one.
  {
    name: 'test/e2e, alone',
    folder: 'test',
    pattern: /^e2e\/(promises|record-latency|upstream-cancel).*\.test\.ts$/,
    lanes: 1,
  },
  { name: 'test/compat', folder: 'test', pattern: /^compat\/.*\.test\.ts$/, lanes: 2 },
  { name: 'test/schedules', folder: 'test', pattern: /^schedules\/.*\.test\.ts$/, lanes: 1 },
  { name: 'test/chaos', folder: 'test', pattern: /^chaos\/.*\.test\.ts$/, lanes: 1 },
  { name: 'test/load', folder: 'test', pattern: /^load\/.*\.test\.ts$/, lanes: 1, isOptional: true },
];

/** Figures that a passing suite states are shown; the reporter's own counts are not. */
const FIGURES = /^ℹ (?!(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ).*$/gm;

const wanted = process.argv[2] ?? '';
const total = { passed: 0, failed: 0 };
const failures = [];
const flaky = [];
/** Suites of processes that failed, with what the first run counted. */
const doubtful = [];

/** Suites under way; none outlives this process. */
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** Runs a program of this Node to its end; killed when the time is up. */
async function run(parameters, timeoutMs) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, parameters, {
    cwd: ROOT,
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // What it has started ends with it: stacks watch the process that started them.
    child.kill('SIGKILL');
  }, timeoutMs);
  // Not 'close': a stack that outlives its test for a moment holds the pipes open.
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  running.delete(child);
  const late = isLate ? `\nkilled: it took over ${timeoutMs / 1000} s\n` : '';
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  return { code, seconds, output: Buffer.concat(chunks).toString('utf8') + late };
}

function report({ name, passed, failed, seconds, output }) {
  total.passed += passed;
  total.failed += failed;
  console.log(
    `${failed === 0 ? 'ok  ' : 'FAIL'} ${seconds.padStart(6)} s  ${name}  (${passed} passed, ${failed} failed)`,
  );
  if (failed === 0) {
    for (const [figure] of output.matchAll(FIGURES)) console.log(`     ${figure}`);
    return;
  }
  failures.push(name);
  console.log(output.trimEnd().replaceAll(/^/gm, '    '));
}

/** What the reporter wrote; a suite that was killed or crashed wrote nothing. */
function readCounts(file) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text === '' ? { passed: 0, failed: 0, skipped: 0 } : JSON.parse(text);
}

/** Anything but a clean end with at least one test and none skipped is a failure, and counts as one where nothing else does. */
function judge({ passed, failed, skipped }, isCleanEnd) {
  if (skipped > 0) return { passed, failed: failed + skipped, why: `${skipped} tests are skipped; none may be` };
  if (failed > 0) return { passed, failed, why: '' };
  if (!isCleanEnd) return { passed, failed: 1, why: 'it did not end cleanly' };
  if (passed === 0) return { passed, failed: 1, why: 'it ran no test' };
  return { passed, failed, why: '' };
}

async function build() {
  const { code, seconds, output } = await run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'], BUILD_MS);
  if (code === 0) return console.log(`ok   ${seconds.padStart(6)} s  build`);
  report({ name: 'build', passed: 0, failed: 1, seconds, output });
  return undefined;
}

async function runJest() {
  const file = join(SCRATCH, 'jest.json');
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
  const filter = wanted === '' ? [] : ['--passWithNoTests', '--testPathPatterns', wanted];
  const { code, seconds, output } = await run([jest, '--silent', '--json', `--outputFile=${file}`, ...filter], JEST_MS);
  const result = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  if (wanted !== '' && result.numTotalTestSuites === 0) return;
  const counts = {
    passed: result.numPassedTests ?? 0,
    // A file that cannot even be loaded has no failed test, only a failed suite.
    failed: Math.max(result.numFailedTests ?? 0, result.numFailedTestSuites ?? 0),
    skipped: (result.numPendingTests ?? 0) + (result.numTodoTests ?? 0),
  };
  const { passed, failed, why } = judge(counts, code === 0);
  report({ name: 'specs (jest)', passed, failed, seconds, output: `${output}\n${why}` });
}

/** Compiled files of a place, found by their sources: what is left in dist of a deleted source does not run. */
function listSuites({ folder, pattern }) {
  const sources = readdirSync(join(ROOT, folder), { recursive: true })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => pattern.test(path) && !/(?:^|\/)(?:dist|node_modules)\//.test(path));
  return sources.sort().map((source) => {
    const inner = folder === 'test' ? `dist/${source}` : source.replace(/(^|\/)src\//, '$1dist/');
    return { name: `${folder}/${source}`, file: join(ROOT, folder, inner.replace(/\.ts$/, '.js')) };
  });
}

async function runSuite(suite) {
  const result = await attemptSuite(suite);
  if (result.failed > 0) doubtful.push({ suite, first: result });
  report(result);
}

/** Runs each doubtful suite once more with the machine to itself; what passes now takes the place of what failed. */
async function lookAgain() {
  if (doubtful.length > SECOND_LOOKS_MAX) return;
  for (const { suite, first } of doubtful) {
    console.log(`again: ${suite.name}`);
    const result = await attemptSuite(suite);
    if (result.failed > 0) continue;
    total.passed -= first.passed;
    total.failed -= first.failed;
    failures.splice(failures.indexOf(suite.name), 1);
    flaky.push(suite.name);
    report(result);
  }
}

async function attemptSuite({ name, file }) {
  const countsFile = join(SCRATCH, `${name.replaceAll('/', '_')}.json`);
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${join(ROOT, 'scripts/count-tests.mjs')}`, `--test-reporter-destination=${countsFile}`],
  ];
  const { code, seconds, output } = await run(['--enable-source-maps', ...reporters, file], SUITE_MS);
  const { passed, failed, why } = judge(readCounts(countsFile), code === 0);
  rmSync(countsFile, { force: true });
  return { name, passed, failed, seconds, output: `${output}\n${why}` };
}

async function runPlace(place) {
  const suites = listSuites(place);
  if (suites.length === 0 && !place.isOptional && wanted === '') {
    report({ name: place.name, passed: 0, failed: 1, seconds: '0.0', output: 'there is no suite: a part is missing' });
  }
  const queue = suites.filter(({ name }) => name.includes(wanted));
  const runLane = async () => {
    for (let suite = queue.shift(); suite !== undefined; suite = queue.shift()) await runSuite(suite);
  };
  await Promise.all(Array.from({ length: place.lanes }, runLane));
}

const startedAt = performance.now();
await build();
await runJest();
for (const place of PLACES) await runPlace(place);
await lookAgain();
rmSync(SCRATCH, { recursive: true, force: true });
if (total.passed + total.failed === 0) {
  report({ name: wanted, passed: 0, failed: 1, seconds: '0.0', output: 'no suite has this in its name' });
}
if (flaky.length > 0) console.log(`\nFLAKY, passed only when run again: ${flaky.join(', ')}`);
if (failures.length > 0) console.log(`\nfailed: ${failures.join(', ')}`);
console.log(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
