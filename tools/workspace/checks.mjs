import { posix } from 'node:path';
import semver from 'semver';
import { workspaceOf } from '../lint/paths.mjs';

/** The oldest Node that Weir promises to run on. */
const OLDEST_NODE = '20.19.0';

/**
 * Packages that ask for a newer Node than they need; each was seen to work on the oldest one. Any other is a fault, and so is
 * an entry here that nothing needs any more.
 */
export const ENGINE_ALLOWANCES = [
  { name: '@nats-io/nuid', major: 3 },
  { name: 'cookie', major: 2 },
  { name: 'file-type', major: 22 },
];

const SECTIONS = ['dependencies', 'devDependencies', 'optionalDependencies'];
const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Every installed package runs on the oldest Node we promise. */
function checkEngines({ lock }) {
  const faults = [];
  const used = new Set();
  for (const [path, entry] of Object.entries(lock.packages)) {
    const range = entry.engines?.node;
    if (range === undefined || semver.satisfies(OLDEST_NODE, range)) continue;
    const name = path.replace(/^.*node_modules\//, '');
    const allowance = ENGINE_ALLOWANCES.find(
      (allowed) => allowed.name === name && allowed.major === semver.major(entry.version),
    );
    if (allowance) used.add(allowance);
    else faults.push(`${name} ${entry.version} asks for Node ${range}; the oldest we promise is ${OLDEST_NODE}`);
  }
  for (const allowance of ENGINE_ALLOWANCES) {
    if (!used.has(allowance))
      faults.push(`the engine allowance for ${allowance.name} ${allowance.major} is not needed any more`);
  }
  return faults;
}

/** Versions are exact, and one package has one version in the whole repository. */
function checkVersions({ packages }) {
  const faults = [];
  const own = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
  const seen = new Map();
  for (const { path, manifest } of packages) {
    for (const [name, version] of dependenciesOf(manifest)) {
      if (!EXACT.test(version)) faults.push(`${path}: ${name} must have an exact version, not '${version}'`);
      if (own.has(name) && own.get(name) !== version)
        faults.push(`${path}: ${name} is at ${own.get(name)} here, not ${version}`);
      const first = seen.get(name) ?? { version, path };
      seen.set(name, first);
      if (first.version !== version) faults.push(`${path}: ${name} ${version}, but ${first.path} has ${first.version}`);
    }
  }
  return faults;
}

/** A workspace's tsconfig refers to exactly the workspaces its package.json depends on; the root refers to all. */
function checkReferences({ packages, rootReferences }) {
  const faults = [];
  const folderOf = new Map(
    packages.filter(({ isRoot }) => !isRoot).map(({ manifest, folder }) => [manifest.name, folder]),
  );
  for (const { path, manifest, references, isRoot } of packages) {
    if (isRoot) continue;
    if (references === undefined) {
      faults.push(`${path}: no tsconfig.json beside it`);
      continue;
    }
    const depended = new Set(dependenciesOf(manifest).flatMap(([name]) => folderOf.get(name) ?? []));
    for (const folder of depended)
      if (!references.includes(folder))
        faults.push(`${path}: depends on ${folder}, but its tsconfig does not refer to it`);
    for (const folder of references)
      if (!depended.has(folder)) faults.push(`${path}: its tsconfig refers to ${folder}, on which it does not depend`);
  }
  for (const folder of folderOf.values())
    if (!rootReferences.includes(folder)) faults.push(`tsconfig.json does not refer to ${folder}`);
  for (const folder of rootReferences)
    if (![...folderOf.values()].includes(folder))
      faults.push(`tsconfig.json refers to ${folder}, which is no workspace`);
  return faults;
}

/** Every workspace is private, an ES module, under the same licence, and tagged as its folder says. */
function checkManifests({ packages }) {
  const faults = [];
  for (const { path, folder, manifest } of packages) {
    if (manifest.private !== true) faults.push(`${path}: must be private`);
    if (manifest.type !== 'module') faults.push(`${path}: must be an ES module`);
    if (manifest.license !== 'Apache-2.0') faults.push(`${path}: must carry the licence Apache-2.0`);
    const workspace = workspaceOf(`${folder}/package.json`);
    if (workspace === undefined) continue;
    for (const tag of missingTags(workspace, manifest.nx?.tags ?? [])) faults.push(`${path}: nx.tags lacks '${tag}'`);
    if (workspace.kind === 'service' && 'exports' in manifest) faults.push(`${path}: services export nothing`);
  }
  return faults;
}

function missingTags({ kind, name }, tags) {
  const missing = [`type:${kind}`, `scope:${name}`].filter((tag) => !tags.includes(tag));
  const hasPlane = kind !== 'service' || tags.some((tag) => tag.startsWith('plane:'));
  return hasPlane ? missing : [...missing, 'plane:…'];
}

/** Nothing in the repository names a package registry: where packages come from is the installer's own setting. */
function checkRegistryAddresses({ files, readText, lock }) {
  const hosts = ['registry', 'proxy', 'index', 'files', 'repo1', 'static', 'npm', 'pypi'];
  const address = new RegExp(`https?://(?:${hosts.join('|')})\\.[a-z0-9.-]+\\.(?:org|com|io|dev)`, 'i');
  const faults = [];
  for (const path of files) {
    if (path === 'package-lock.json' || /\.(?:png|jpg|gif|ico|bin|gz|woff2?)$/.test(path)) continue;
    const text = readText(path);
    if (address.test(text)) faults.push(`${path}: names a package registry's address`);
    if (posix.basename(path) === '.npmrc' && /registry\s*=/.test(text)) faults.push(`${path}: sets a registry`);
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined && /^[a-z+]+:\/\//.test(entry.resolved))
      faults.push(`package-lock.json: ${path} is bound to an address`);
  }
  return faults;
}

/** Every library and service says in one README what it owns; AGENTS.md stays short enough to be read. */
function checkDocuments({ files, packages, readText }) {
  const faults = [];
  for (const { folder, isRoot } of packages) {
    const kind = workspaceOf(`${folder}/package.json`)?.kind;
    if (isRoot || !['lib', 'service', 'simulator'].includes(kind)) continue;
    if (!files.includes(`${folder}/README.md`)) faults.push(`${folder}: has no README.md`);
  }
  const lines = files.includes('AGENTS.md') ? readText('AGENTS.md').trimEnd().split('\n').length : 0;
  if (lines === 0) faults.push('AGENTS.md is missing');
  if (lines >= 150) faults.push(`AGENTS.md has ${lines} lines; it stays under 150`);
  return faults;
}

export const CHECKS = {
  checkEngines,
  checkVersions,
  checkReferences,
  checkManifests,
  checkRegistryAddresses,
  checkDocuments,
};

function dependenciesOf(manifest) {
  return SECTIONS.flatMap((section) => Object.entries(manifest[section] ?? {}));
}
