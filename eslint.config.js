import eslint from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const typed = ['packages/*/{src,test}/**/*.ts', 'benchmarks/**/*.ts']
const plain = ['**/*.{js,mjs,cjs}']
const tests = ['packages/*/test/**/*.ts', 'packages/testkit/**/*.ts', 'packages/simulation/**/*.ts']

export default defineConfig(
  {
    ignores: [
      '**/dist/',
      '**/.tap/',
      '.cache/',
      '.tools/',
      'packages/testkit/fixtures/',
      'docs/.vitepress/cache/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: typed,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Kafka's codes and record types are unions: a new member must be handled everywhere or refused aloud.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Offsets and positions stand in nearly every message, and a number prints without surprises.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => close()` is the plain way to hand on a call that gives nothing.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // An interface may ask for a promise where one implementation (memory) has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // `for (;;)` and `while (true)` with a return inside read better than a flag.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // A leading underscore says that the place is needed and the value is not.
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          caughtErrors: 'all',
          caughtErrorsIgnorePattern: '^_',
        },
      ],
      // It asks for `!`, which the strict rules refuse: `as` after a check of bounds stands where a check per byte costs.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // What is only a type is gone at run time, and the import says so. `import('node:stream').Writable` says it too.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // `'start' | 'end' | string` documents the words that have a meaning.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      // A forgotten log line would land between the records that a command prints to stdout.
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/*/src/generated/**'],
    rules: {
      // A file is one noun and a function fits on a screen: beyond this they are two.
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(AwaitExpression, ForOfStatement[await=true]):not(:function *)',
          message: "A top-level await breaks require('varve').",
        },
      ],
    },
  },
  {
    files: tests,
    rules: {
      // tap queues `t.test` and reports its failure itself: the promise need not be awaited.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: '@tapjs/core', name: ['test'] }, 'test'] },
      ],
      // A test that hands a wrong type or a missing element should fail by its assertion, not be argued away.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Fakes have empty methods.
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: plain,
    languageOptions: {
      globals: {
        AbortController: 'readonly',
        Buffer: 'readonly',
        console: 'readonly',
        module: 'writable',
        performance: 'readonly',
        process: 'readonly',
        clearTimeout: 'readonly',
        setTimeout: 'readonly',
        setImmediate: 'readonly',
        structuredClone: 'readonly',
        URL: 'readonly',
        WebAssembly: 'readonly',
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
)
