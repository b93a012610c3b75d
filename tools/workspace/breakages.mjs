import { ENGINE_ALLOWANCES } from './checks.mjs';

/** A small workspace with which every check is content. */
export function soundWorkspace() {
  const texts = new Map([
    ['AGENTS.md', '# Map\n'],
    ['libs/money/README.md', '# money\n'],
    ['services/billing/README.md', '# billing\n'],
  ]);
  const allowed = ENGINE_ALLOWANCES.map(({ name, major }) => [
    `node_modules/${name}`,
    { version: `${major}.0.0`, engines: { node: '>=22' } },
  ]);
  return {
    texts,
    files: [...texts.keys()],
    readText: (path) => texts.get(path),
    rootReferences: ['libs/money', 'services/billing'],
    lock: {
      packages: { 'node_modules/zod': { version: '4.0.0', engines: { node: '>=18' } }, ...Object.fromEntries(allowed) },
    },
    packages: [
      packageAt('.', { name: 'weir', devDependencies: { zod: '4.0.0' } }),
      packageAt('libs/money', {
        name: '@weir/money',
        nx: { tags: ['type:lib', 'scope:money'] },
        dependencies: { zod: '4.0.0' },
      }),
      packageAt(
        'services/billing',
        {
          name: '@weir/billing',
          nx: { tags: ['type:service', 'scope:billing', 'plane:record'] },
          dependencies: { '@weir/money': '0.1.0' },
        },
        ['libs/money'],
      ),
    ],
  };
}

function packageAt(folder, manifest, references = []) {
  const base = { version: '0.1.0', private: true, type: 'module', license: 'Apache-2.0' };
  return {
    path: `${folder}/package.json`,
    folder,
    isRoot: folder === '.',
    references,
    manifest: { ...base, ...manifest },
  };
}

function addFile(workspace, path, text) {
  workspace.texts.set(path, text);
  workspace.files.push(path);
}

/** What each check must notice. */
export const BREAKAGES = [
  {
    check: 'checkEngines',
    title: 'a package that needs a newer Node',
    says: 'asks for Node >=22',
    damage: ({ lock }) => void (lock.packages['node_modules/new'] = { version: '1.0.0', engines: { node: '>=22' } }),
  },
  {
    check: 'checkEngines',
    title: 'an allowed package in a version nobody tried',
    says: 'cookie 3.0.0 asks for Node',
    damage: ({ lock }) => void (lock.packages['node_modules/cookie'].version = '3.0.0'),
  },
  {
    check: 'checkEngines',
    title: 'an allowance nothing needs',
    says: 'not needed any more',
    damage: ({ lock }) => void delete lock.packages['node_modules/cookie'],
  },
  {
    check: 'checkVersions',
    title: 'a version range',
    says: "not '^4.0.0'",
    damage: ({ packages }) => void (packages[1].manifest.dependencies.zod = '^4.0.0'),
  },
  {
    check: 'checkVersions',
    title: 'two versions of one package',
    says: 'zod 4.1.0, but',
    damage: ({ packages }) => void (packages[1].manifest.dependencies.zod = '4.1.0'),
  },
  {
    check: 'checkVersions',
    title: 'a version of our own that does not exist',
    says: '@weir/money is at 0.1.0',
    damage: ({ packages }) => void (packages[2].manifest.dependencies['@weir/money'] = '0.2.0'),
  },
  {
    check: 'checkReferences',
    title: 'a dependency without a reference',
    says: 'does not refer to it',
    damage: ({ packages }) => void (packages[2].references = []),
  },
  {
    check: 'checkReferences',
    title: 'a reference without a dependency',
    says: 'on which it does not depend',
    damage: ({ packages }) => void (packages[2].manifest.dependencies = {}),
  },
  {
    check: 'checkReferences',
    title: 'a workspace the build does not reach',
    says: 'tsconfig.json does not refer to libs/money',
    damage: ({ rootReferences }) => void rootReferences.shift(),
  },
  {
    check: 'checkManifests',
    title: 'a workspace without its tag',
    says: "lacks 'scope:money'",
    damage: ({ packages }) => void (packages[1].manifest.nx.tags = ['type:lib']),
  },
  {
    check: 'checkManifests',
    title: 'a service that exports',
    says: 'services export nothing',
    damage: ({ packages }) => void (packages[2].manifest.exports = { '.': './dist/index.js' }),
  },
  {
    check: 'checkManifests',
    title: 'a package that could be published',
    says: 'must be private',
    damage: ({ packages }) => void (packages[1].manifest.private = false),
  },
  {
    check: 'checkRegistryAddresses',
    title: 'a registry in a document',
    says: "names a package registry's address",
    damage: (workspace) => addFile(workspace, 'docs/install.md', ['https://registry', 'npmjs.org/zod'].join('.')),
  },
  {
    check: 'checkRegistryAddresses',
    title: 'a registry in .npmrc',
    says: 'sets a registry',
    damage: (workspace) => addFile(workspace, '.npmrc', 'registry = http://localhost:4873'),
  },
  {
    check: 'checkRegistryAddresses',
    title: 'a lock that remembers where a package came from',
    says: 'is bound to an address',
    damage: ({ lock }) => void (lock.packages['node_modules/zod'].resolved = 'http://localhost/zod.tgz'),
  },
  {
    check: 'checkDocuments',
    title: 'a library without a README',
    says: 'libs/money: has no README.md',
    damage: (workspace) => void (workspace.files = workspace.files.filter((path) => path !== 'libs/money/README.md')),
  },
  {
    check: 'checkDocuments',
    title: 'an AGENTS.md nobody reads to the end',
    says: 'stays under 150',
    damage: ({ texts }) => void texts.set('AGENTS.md', 'line\n'.repeat(150)),
  },
];
