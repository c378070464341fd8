/* The borders of the packages: each imports only from those above it in this table, and only through their index. */

const order = [
  'platform',
  'records',
  'protocol',
  'log',
  'workers',
  'coordinator',
  'engine',
  'client',
  'server',
  'cluster',
  'runtime',
  'cli',
  'varve',
]

/** Private packages and what they stand on. */
const privates = { testkit: ['platform', 'records'], simulation: [...order, 'testkit'] }

const folders = names => `^packages/(${names.join('|')})/`

/** Sources may use what stands above them; tests may use that, their own package and the testkit. */
function borders(name, allowed) {
  const rules = []
  for (const [part, also] of [
    ['src', []],
    ['test', ['testkit']],
  ]) {
    rules.push({
      name: `${name}-${part}-imports-from-above`,
      comment: `packages/${name}/${part} may import from: ${[...allowed, ...also].join(', ') || 'no package'}.`,
      severity: 'error',
      from: { path: `^packages/${name}/${part}/` },
      to: { path: '^packages/', pathNot: folders([name, ...allowed, ...also]) },
    })
  }
  return rules
}

/** Packages that are handed the world and never reach for it themselves. */
const pure = ['records', 'protocol', 'log', 'coordinator', 'engine', 'client']

module.exports = {
  forbidden: [
    ...order.flatMap((name, at) => borders(name, order.slice(0, at))),
    ...Object.entries(privates).flatMap(([name, allowed]) => borders(name, allowed)),
    {
      name: 'only-through-the-index',
      comment: 'Another package is its index: what lies behind it may change any day.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/',
        pathNot: ['^packages/$1/', '^packages/[^/]+/dist/(testing/)?index\\.(js|d\\.ts)$'],
      },
    },
    {
      name: 'testing-is-for-tests',
      comment:
        'A second index, `testing`, plants bugs and opens doors: nothing that users run goes through it.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '^packages/(simulation|testkit)/' },
      to: { path: '^packages/[^/]+/dist/testing/' },
    },
    {
      name: 'sources-do-not-import-tests-or-dist',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/' },
      to: { path: '^packages/$1/(test|dist)/' },
    },
    {
      name: 'tests-import-sources-not-dist',
      comment:
        'Two copies of one class, and coverage of the wrong one. Programs (.mjs) that tests start, and acceptance tests, run what users run.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/test/', pathNot: ['\\.mjs$', '^packages/varve/test/acceptance/'] },
      to: { path: '^packages/$1/dist/' },
    },
    {
      name: 'the-world-is-handed-in',
      comment:
        'Files, sockets, processes, threads and timers come through platform, so that a test can take them away.',
      severity: 'error',
      from: {
        path: `^packages/(${pure.join('|')})/src/`,
        pathNot: ['^packages/records/src/(codecs/|crc)', '^packages/log/src/lock/node-machine\\.ts$'],
      },
      to: {
        path: '^(node:)?(fs|fs/promises|net|http|https|dgram|child_process|worker_threads|timers|timers/promises)$',
      },
    },
    {
      name: 'no-cycles',
      comment: 'Types may know each other; what runs may not.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing-unresolved',
      comment:
        'An import of what is not there, or not exported, is a border crossed: packages must be built first.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^node:' },
    },
    {
      name: 'dependencies-are-declared',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^packages/[^/]+/dist/'] },
    exclude: { path: ['^packages/testkit/fixtures/', '/\\.tap/'] },
    // The sources as written: a type-only import crosses a border as much as any other.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
