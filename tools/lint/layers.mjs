/**
 * Which library may use which (DESIGN §8). The Nx constraints are made from this table, and `weir/layers` reads what is
 * below it. A library that is missing here may depend on nothing.
 */
const LIBRARIES = {
  contracts: [],
  'call-model': [],
  money: ['contracts'],
  translog: [],
  credentials: [],
  dialects: ['call-model', 'contracts'],
  journal: ['contracts'],
  kit: ['contracts'],
  bus: ['contracts', 'journal', 'kit'],
  catalog: ['contracts', 'bus'],
  egress: ['contracts'],
  store: ['contracts', 'kit'],
  warehouse: ['contracts', 'kit'],
  landing: ['contracts', 'bus', 'store', 'warehouse', 'kit'],
  jobs: ['contracts', 'kit'],
  testing: ['contracts'],
};

/** Pure libraries: no I/O of any kind, so that they run in a spec, a browser or a proof. */
export const PURE_LIBRARIES = ['contracts', 'call-model', 'dialects', 'money', 'translog', 'credentials'];

/** What the data plane (ingress, router, providers) never imports: calls go on while every database is down. */
const NOT_IN_DATA_PLANE = ['store', 'warehouse', 'landing', 'jobs'];

/** What a service's `domain/` may import of Weir's libraries; of `DOMAIN_TYPES` only types. */
export const DOMAIN_LIBRARIES = ['contracts', 'call-model', 'dialects', 'money', 'translog', 'credentials', 'catalog'];
export const DOMAIN_TYPES = ['journal', 'kit', 'landing', 'egress'];

/** Node's modules that do I/O. Forbidden in `domain/` and in pure libraries. */
export const IO_MODULES = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'dns/promises',
  'fs',
  'fs/promises',
  'http',
  'http2',
  'https',
  'net',
  'process',
  'readline',
  'repl',
  'timers/promises',
  'tls',
  'worker_threads',
];

/** The parts of `test/` that are clients like any other: nothing of Weir but the stack they start. */
export const OUTSIDE_CLIENTS = ['test/load/**', 'test/compat/**'];
export const OUTSIDE_CLIENT_LIBRARIES = ['testing'];

/**
 * Nx's constraints. Specs that start infrastructure (`x.int-spec.ts`, `x.fixture.ts`) may also use @weir/testing. That a service's
 * sources do not is `weir/layers`' part: Nx would count what the specs of a library below depend on.
 *
 * @param {{ withTesting: boolean }} options
 */
export function dependencyConstraints({ withTesting }) {
  const extra = withTesting ? ['scope:testing'] : [];
  const scopes = Object.entries(LIBRARIES).map(([library, allowed]) => ({
    sourceTag: `scope:${library}`,
    onlyDependOnLibsWithTags: [...allowed.map((name) => `scope:${name}`), ...extra],
  }));
  return [
    ...scopes,
    { sourceTag: 'type:lib', onlyDependOnLibsWithTags: ['type:lib'] },
    { sourceTag: 'type:service', onlyDependOnLibsWithTags: ['type:lib'] },
    { sourceTag: 'plane:data', notDependOnLibsWithTags: NOT_IN_DATA_PLANE.map((name) => `scope:${name}`) },
    { sourceTag: 'type:simulator', onlyDependOnLibsWithTags: [] },
    { sourceTag: 'type:cli', onlyDependOnLibsWithTags: ['type:lib'] },
    { sourceTag: 'type:deploy', onlyDependOnLibsWithTags: ['type:lib'] },
    { sourceTag: 'type:test', onlyDependOnLibsWithTags: ['type:lib'] },
  ];
}
