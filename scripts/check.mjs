/**
 * `npm run check`: types, lint with its boundaries, the proof that each rule bites, dead code, layout and the workspace's own
 * rules. One line a step with its seconds; a failing step prints what it found. Exits non-zero when any step fails.
 *
 * Two lanes run side by side, because two cores are what a small machine has. A name after `--` runs only the steps whose name
 * contains it: `npm run check -- lint`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, 'node_modules/.cache/weir');

/** The Nx rule passes everything when it has no project graph; it says so in a line and nowhere else. */
const SKIPPED_RULE = 'The rule will be skipped';

/** Each step is one program of node_modules or of this repository, run by this Node. */
const STEPS = {
  'types (build)': ['typescript/bin/tsc', '-b'],
  'types (specs)': ['typescript/bin/tsc', '-p', 'tsconfig.spec.json'],
  'project graph': ['nx/dist/bin/nx.js', 'graph', `--file=${join(CACHE, 'project-graph.json')}`],
  'lint and boundaries': ['eslint/bin/eslint.js', '.', '--max-warnings', '0'],
  'lint fixtures': ['tools/lint/run-fixtures.mjs'],
  'dead code': ['knip/bin/knip.js', '--no-progress', '--no-config-hints'],
  layout: ['prettier/bin/prettier.cjs', '--check', '.', '--log-level', 'warn'],
  workspace: ['tools/workspace/run-checks.mjs'],
};

const LANES = [
  ['types (build)', 'types (specs)', 'dead code', 'layout'],
  ['project graph', 'lint and boundaries', 'lint fixtures', 'workspace'],
];

async function runStep(name) {
  const startedAt = performance.now();
  const [program, ...parameters] = STEPS[name];
  const script = program.startsWith('tools/') ? join(ROOT, program) : join(ROOT, 'node_modules', program);
  const child = spawn(process.execPath, [script, ...parameters], {
    cwd: ROOT,
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', FORCE_COLOR: '0', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  const output = Buffer.concat(chunks).toString('utf8').trim();
  const hasPassed = code === 0 && !output.includes(SKIPPED_RULE);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  console.log(`${hasPassed ? 'ok  ' : 'FAIL'} ${seconds} s  ${name}`);
  return { name, hasPassed, output };
}

async function runLane(names) {
  const results = [];
  for (const name of names) results.push(await runStep(name));
  return results;
}

const wanted = process.argv[2] ?? '';
mkdirSync(CACHE, { recursive: true });
const lanes = LANES.map((names) => names.filter((name) => name.includes(wanted)));
const results = (await Promise.all(lanes.map((names) => runLane(names)))).flat();
const failed = results.filter((result) => !result.hasPassed);
for (const { name, output } of failed) console.log(`\n── ${name}\n${output || '(no output)'}`);
if (results.length === 0) console.log(`no step is named like '${wanted}'`);
console.log(`\n${results.length - failed.length} checks passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 && results.length > 0 ? 0 : 1;
