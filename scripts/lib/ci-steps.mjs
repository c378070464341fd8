import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureNode24 } from './node-24.mjs'
import { run, runNpm } from './run.mjs'
import { root, setup } from './setup.mjs'
import { Steps } from './steps.mjs'
import { ensureXfs } from './xfs.mjs'

process.env.CI ??= 'true'

/** A step may take this many times its budget before it counts as hung. */
const patience = 5

const echoed = (seconds, options) => ({
  cwd: root,
  echo: true,
  timeoutMs: seconds * patience * 1000,
  ...options,
})

/** The program that an installed package names, as a path for node. */
function binary(name, command = name) {
  const { bin } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
  return join(root, 'node_modules', name, typeof bin === 'string' ? bin : bin[command])
}

async function verdict(child) {
  const { code, signal, timedOut, output } = await child
  if (timedOut) process.stdout.write('hung: killed\n')
  else if (signal) process.stdout.write(`ended by ${signal}\n`)
  return { ok: code === 0, output }
}

const tool = (id, name, seconds, command) => ({
  id,
  name,
  budgetSeconds: seconds,
  work: () => verdict(run(process.execPath, command(), echoed(seconds))),
})

const steps = [
  {
    id: 'test',
    name: 'npm test',
    budgetSeconds: 420,
    counted: true,
    work: () => verdict(runNpm(['test'], echoed(420))),
  },
  tool('format', 'format (prettier)', 15, () => [binary('prettier'), '--check', '--log-level', 'warn', '.']),
  tool('lint', 'lint (eslint)', 60, () => [
    binary('eslint'),
    '--max-warnings',
    '0',
    '--concurrency',
    '2',
    '.',
  ]),
  tool('types', 'types of the tests (tsc)', 15, () => [
    binary('typescript', 'tsc'),
    '-b',
    'tsconfig.test.json',
  ]),
  tool('borders', 'borders (dependency-cruiser)', 10, () => [
    binary('dependency-cruiser', 'depcruise'),
    ...['packages', '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long'],
  ]),
  tool('unused', 'unused files, exports, dependencies (knip)', 5, () => [binary('knip')]),
  tool('messages', 'generated messages are up to date', 5, () => ['scripts/check-messages.mjs']),
  tool('packages', 'packages as they would be published', 45, () => ['scripts/check-packages.mjs']),
  {
    id: 'node24',
    name: 'unit tests on Node 24',
    budgetSeconds: 240,
    counted: true,
    work: async () => {
      const node = await ensureNode24()
      const args = ['scripts/test.mjs', '--except', 'simulation', '--except', 'java']
      return verdict(run(node, args, echoed(240)))
    },
  },
  {
    id: 'proofs',
    name: 'proofs (npm run proofs)',
    budgetSeconds: 300,
    counted: true,
    work: async () => {
      await ensureXfs()
      return verdict(runNpm(['run', 'proofs'], echoed(300)))
    },
  },
  tool('guard', 'speed guard', 120, () => ['benchmarks/guard.mjs']),
]

async function main() {
  const wanted = process.argv.slice(2)
  const unknown = wanted.find(id => !steps.some(step => step.id === id))
  if (unknown !== undefined) {
    process.stderr.write(
      `There is no step "${unknown}"; the steps are ${steps.map(({ id }) => id).join(', ')}.\n`,
    )
    process.stdout.write('0 passed, 1 failed\n')
    return 1
  }
  const all = new Steps()
  // `npm test` sets everything up; a part without it may be the first thing to run in a clone.
  if (wanted.length > 0 && !wanted.includes('test'))
    await all.run({
      name: 'setup',
      budgetSeconds: 60,
      work: () => setup().then(() => ({ ok: true, output: '' })),
    })
  for (const step of steps) if (wanted.length === 0 || wanted.includes(step.id)) await all.run(step)
  return all.finish()
}

main().then(code => {
  process.exitCode = code
})
