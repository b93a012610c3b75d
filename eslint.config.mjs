import javascript from '@eslint/js';
import nx from '@nx/eslint-plugin';
import typescript from 'typescript-eslint';
import { FETCH_PLACES } from './tools/lint/drivers.mjs';
import { dependencyConstraints } from './tools/lint/layers.mjs';
import { weir } from './tools/lint/plugin.mjs';

const TYPESCRIPT = ['**/*.ts'];
const JAVASCRIPT = ['**/*.mjs'];
const SPECS = ['**/*.spec.ts', '**/*.int-spec.ts', '**/*.fixture.ts', 'test/**/*.ts', 'libs/testing/**/*.ts'];

const NODE_GLOBALS = [
  'AbortController',
  'AbortSignal',
  'Buffer',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'console',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'structuredClone',
];

const FORBIDDEN_SYNTAX = [
  { selector: 'ExportAllDeclaration', message: 'An index names what it exports; `export *` exports by accident.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export by name: a default export has as many names as importers.' },
  {
    selector: 'ExportSpecifier[exported.name="default"]',
    message: 'Export by name: a default export has as many names as importers.',
  },
  { selector: 'TSEnumDeclaration', message: 'Use a const object and a union type; an enum is neither.' },
  { selector: 'TSExportAssignment', message: 'ES modules only.' },
  { selector: 'TSInterfaceDeclaration[id.name=/^I(?!Pv)[A-Z][a-z]/]', message: 'No I-prefix: name what it is.' },
  { selector: 'ClassDeclaration[id.name=/(?:Manager|Helper|Util|Utils)$/]', message: 'Name what the class is about.' },
  {
    selector:
      'CallExpression[callee.property.name=/^(?:includes|startsWith|endsWith|match|search|indexOf)$/][callee.object.property.name="message"]',
    message: "Never decide by an error's text: use its type, code or status.",
  },
  {
    selector: 'CallExpression[callee.property.name="test"][arguments.0.property.name="message"]',
    message: "Never decide by an error's text: use its type, code or status.",
  },
  {
    selector:
      'CallExpression[callee.property.name="catch"] > ArrowFunctionExpression:matches([body.type="BlockStatement"][body.body.length=0], [body.type="Identifier"][body.name="undefined"], [body.type="Literal"][body.value=null])',
    message: 'Nothing is swallowed: handle the failure, or say in a disable why it cannot matter.',
  },
];

/** Subjects are built by libs/contracts and spelled nowhere else. */
const RAW_SUBJECTS = ['Literal[value=/^weir\\.v1\\./]', 'TemplateElement[value.raw=/^weir\\.v1\\./]'].map(
  (selector) => ({
    selector,
    message: 'Subjects come from @weir/contracts; a raw one drifts.',
  }),
);

const FORBIDDEN_IN_SPECS = [
  {
    selector: 'CallExpression[callee.object.name="jest"][callee.property.name=/^(?:mock|doMock|unstable_mockModule)$/]',
    message: 'No mocks of modules: pass what the code needs, or test it with the real part.',
  },
  {
    selector: 'ImportDeclaration[source.value=/^(?:node:)?timers\\u002Fpromises$/]',
    message: 'No sleeps: wait for the condition, with a bound (@weir/testing).',
  },
  {
    selector:
      'NewExpression[callee.name="Promise"] CallExpression[callee.name="setTimeout"][arguments.0.type="Identifier"]',
    message: 'No sleeps: wait for the condition, with a bound (@weir/testing).',
  },
];

// node:test returns a promise from each of these and awaits them itself.
const NODE_TEST_CALLS = ['describe', 'it', 'test', 'suite', 'before', 'after', 'beforeEach', 'afterEach'];

function boundaries({ withTesting }) {
  return [
    'error',
    {
      enforceBuildableLibDependency: false,
      banTransitiveDependencies: false,
      allow: [],
      depConstraints: dependencyConstraints({ withTesting }),
    },
  ];
}

export default typescript.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '**/.weir/**', 'coverage/**', 'tools/lint/fixtures/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },

  // Every file.
  {
    files: [...TYPESCRIPT, ...JAVASCRIPT],
    extends: [javascript.configs.recommended],
    plugins: { weir, '@nx': nx },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
      'max-lines': ['error', { max: 500 }],
      complexity: ['error', { max: 12, variant: 'modified' }],
      'no-restricted-syntax': ['error', ...FORBIDDEN_SYNTAX, ...RAW_SUBJECTS],
      '@nx/enforce-module-boundaries': boundaries({ withTesting: false }),
      'weir/disable-reason': 'error',
      'weir/drivers': 'error',
      'weir/environment': 'error',
      'weir/file-name': 'error',
      'weir/function-lines': ['error', { max: 80 }],
      'weir/layers': 'error',
      'weir/parameters': ['error', { max: 4 }],
    },
  },

  // TypeScript, with types. One program for the whole tree reads the libraries' sources, so no build is needed first.
  {
    files: TYPESCRIPT,
    extends: [typescript.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ['./tsconfig.lint.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      'weir/no-cycles': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          checkThenables: true,
          allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: NODE_TEST_CALLS }],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-expect-error': 'allow-with-description', minimumDescriptionLength: 10 },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', ignoreRestSiblings: true },
      ],
      // Nest types its options as classes; literals are how everybody passes them.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Nest's modules are classes with nothing but a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `return reply.send(…)` in a handler that returns nothing is an early exit, not a value.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // There are no enums to be unsafe with; these two are the dearest rules of all.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // A port's implementation without I/O still answers with a promise, and its throws must become rejections.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: TYPESCRIPT,
    ignores: FETCH_PLACES,
    rules: {
      'no-restricted-globals': ['error', { name: 'fetch', message: 'Everything outbound goes through @weir/egress.' }],
    },
  },

  { files: ['libs/contracts/**'], rules: { 'no-restricted-syntax': ['error', ...FORBIDDEN_SYNTAX] } },

  // Specs: their callbacks are lists, and matchers take methods unbound.
  {
    files: SPECS,
    rules: {
      'weir/no-skipped-tests': 'error',
      '@typescript-eslint/unbound-method': 'off',
      // A missing element is a failing test, which is what it should be.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: SPECS,
    ignores: ['libs/testing/**', 'test/load/**'],
    rules: { 'no-restricted-syntax': ['error', ...FORBIDDEN_SYNTAX, ...FORBIDDEN_IN_SPECS] },
  },
  {
    files: ['**/*.int-spec.ts', '**/*.fixture.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries({ withTesting: true }) },
  },

  // Plain JavaScript: scripts, tools, the entry of one machine, configuration.
  {
    files: JAVASCRIPT,
    languageOptions: {
      sourceType: 'module',
      globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])),
    },
  },
  {
    files: ['*.config.mjs'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
