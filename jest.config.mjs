/**
 * One configuration for every pure spec (`x.spec.ts` beside its source).
 *
 * Specs run as CommonJS and read the sources of our own libraries, never their `dist`, so no build is needed before them.
 * Packages in node_modules stay untransformed: a spec whose imports reach `@nestjs/*` (ES modules only) fails at its first
 * line, which is what keeps specs pure.
 *
 * @type {import('jest').Config}
 */
const config = {
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/simulator', '<rootDir>/cli', '<rootDir>/deploy'],
  testMatch: ['**/src/**/*.spec.ts'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@weir/source', 'node', 'require', 'default'] },
  // Specs import `describe`, `it` and `expect` from '@jest/globals'; there is no second, untyped way to get them.
  injectGlobals: false,
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['/dist/'],
  transformIgnorePatterns: ['/node_modules/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: false },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  maxWorkers: 2,
};

export default config;
