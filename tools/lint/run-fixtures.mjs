/**
 * Proves that every rule of this house bites. A fixture is a file that breaks one rule; the real configuration lints it as if
 * it stood at the path it names, and must report the rule it names. A clean fixture must pass without a report.
 *
 * A fixture's first comment lines:
 *   // at: services/router/src/domain/decide.ts     where it pretends to stand
 *   // expect: weir/layers                          the rule that must report (`nothing` for a clean one)
 *   // message: talk over the bus                   optional: what the report must say
 *   // lines: 501                                   optional: empty lines are added up to this count
 * A line `// at: …` further down starts another file of the same fixture.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';
import { ROOT } from './paths.mjs';
import { weir } from './plugin.mjs';

const FIXTURES = join(ROOT, 'tools/lint/fixtures');

/** Rules that STYLE.md promises and published plugins hold; each needs a fixture, as does every rule of our own. */
const PROMISED = [
  '@nx/enforce-module-boundaries',
  '@typescript-eslint/ban-ts-comment',
  '@typescript-eslint/no-explicit-any',
  '@typescript-eslint/no-floating-promises',
  '@typescript-eslint/no-misused-promises',
  '@typescript-eslint/no-unsafe-assignment',
  '@typescript-eslint/switch-exhaustiveness-check',
  'complexity',
  'max-lines',
  'no-restricted-globals',
  'no-restricted-syntax',
  'no-warning-comments',
  ...Object.keys(weir.rules).map((name) => `weir/${name}`),
];

function readFixture(name) {
  // All fixtures share one program, so each stands at a path of its own.
  const text = readFileSync(join(FIXTURES, name), 'utf8').replaceAll(
    'lint-fixture',
    `lint-${basename(name).replace(/\.\w+$/, '')}`,
  );
  const parts = text.split(/^(?=\/\/ at: )/m).filter((part) => part.trim() !== '');
  const files = parts.map((part) => {
    const at = field(part, 'at');
    if (at === undefined) throw new Error(`${name}: no '// at:' line`);
    return { path: join(ROOT, at), text: padded(part, Number(field(part, 'lines') ?? 0)) };
  });
  const expected = field(text, 'expect');
  if (expected === undefined) throw new Error(`${name}: no '// expect:' line`);
  return { name, files, expected, message: field(text, 'message') };
}

function field(text, name) {
  return new RegExp(`^// ${name}: (.*)$`, 'm').exec(text)?.[1].trim();
}

function padded(text, lines) {
  const missing = lines - text.trimEnd().split('\n').length;
  return missing > 0 ? `${text.trimEnd()}\n${'//\n'.repeat(missing)}` : text;
}

/** One program over all fixtures, each at the path it pretends to have, beside the real sources it imports. */
function programOver(files) {
  const configuration = ts.getParsedCommandLineOfConfigFile(
    join(ROOT, 'tsconfig.lint.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} },
  );
  const options = { ...configuration.options, incremental: false, tsBuildInfoFile: undefined };
  const overlay = new Map(files.map((file) => [file.path, file.text]));
  const folders = new Set(files.flatMap((file) => parents(file.path)));
  const host = ts.createCompilerHost(options, true);
  const disk = { ...host };
  host.fileExists = (path) => overlay.has(path) || disk.fileExists(path);
  host.readFile = (path) => overlay.get(path) ?? disk.readFile(path);
  host.directoryExists = (path) => folders.has(path) || (disk.directoryExists?.(path) ?? true);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = overlay.get(path);
    return text === undefined
      ? disk.getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion, true);
  };
  const rootNames = files.filter((file) => file.path.endsWith('.ts')).map((file) => file.path);
  return ts.createProgram({ rootNames, options, host });
}

function parents(path) {
  const found = [];
  for (let folder = path; folder.includes('/');) {
    folder = folder.slice(0, folder.lastIndexOf('/'));
    found.push(folder);
  }
  return found;
}

async function lintFixture(eslint, fixture) {
  const messages = [];
  for (const file of fixture.files) {
    const [result] = await eslint.lintText(file.text, { filePath: file.path, warnIgnored: true });
    messages.push(...result.messages);
  }
  const said = messages.map((message) => `${message.ruleId ?? 'fatal'}: ${message.message.split('\n')[0]}`);
  if (fixture.expected === 'nothing')
    return messages.length === 0 ? [] : [`${fixture.name}: must be clean, but ${said.join('; ')}`];
  const isHit = ({ ruleId, message: text }) => ruleId === fixture.expected && text.includes(fixture.message ?? '');
  if (messages.some(isHit)) return [];
  return [
    `${fixture.name}: expected ${fixture.expected}${fixture.message ? ` (“${fixture.message}”)` : ''}, got ${said.join('; ') || 'nothing'}`,
  ];
}

const fixtures = readdirSync(FIXTURES, { recursive: true })
  .filter((name) => /\.(?:ts|mjs)$/.test(name))
  .sort()
  .map((name) => readFixture(name.replaceAll('\\', '/')));
const program = programOver(fixtures.flatMap((fixture) => fixture.files));
const eslint = new ESLint({
  cwd: ROOT,
  overrideConfig: [{ files: ['**/*.ts'], languageOptions: { parserOptions: { project: false, programs: [program] } } }],
});

const faults = [];
for (const fixture of fixtures) faults.push(...(await lintFixture(eslint, fixture)));

const proven = new Set(fixtures.map((fixture) => fixture.expected));
for (const rule of PROMISED) if (!proven.has(rule)) faults.push(`no fixture breaks ${rule}`);
if (!proven.has('nothing')) faults.push('no fixture is clean');

for (const fault of faults) console.error(fault);
const clean = fixtures.filter((fixture) => fixture.expected === 'nothing').length;
console.log(`${fixtures.length - clean} fixtures that must fail, ${clean} that must pass, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
