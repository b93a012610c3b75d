import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { ROOT } from '../lint/paths.mjs';

/**
 * What the workspace checks look at, read once: every package.json and tsconfig.json, the lock, and the text of every tracked or
 * new file that git would not ignore.
 */
export function readWorkspace() {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)));
  const manifests = files.filter((path) => posix.basename(path) === 'package.json' && !path.startsWith('tools/'));
  return {
    files,
    packages: manifests.map((path) => readPackage(path)),
    rootReferences: referencesOf('tsconfig.json'),
    lock: readJson('package-lock.json'),
    readText: (path) => readFileSync(join(ROOT, path), 'utf8'),
  };
}

function readPackage(path) {
  const folder = dirname(path);
  const isRoot = folder === '.';
  return {
    path,
    folder,
    isRoot,
    manifest: readJson(path),
    references: isRoot ? [] : referencesOf(posix.join(folder, 'tsconfig.json')),
  };
}

/** Folders a tsconfig refers to, relative to the root; undefined where there is no tsconfig. */
function referencesOf(path) {
  if (!existsSync(join(ROOT, path))) return undefined;
  const { references = [] } = readJson(path);
  return references.map((reference) => posix.normalize(posix.join(dirname(path), reference.path)));
}

function readJson(path) {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}
