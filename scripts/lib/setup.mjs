import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, runNpm } from './run.mjs'
import { filesBelow, fingerprintByContent, fingerprintByTime, readStamp, writeStamp } from './stamp.mjs'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A step of the setup failed, for a reason that is the user's to change; the message is all there is to say. */
export class SetupError extends Error {}

/** The folders of packages, by name, sorted. */
export function packageNames() {
  return readdirSync(join(root, 'packages')).filter(name =>
    existsSync(join(root, 'packages', name, 'package.json')),
  )
}

const say = text => process.stderr.write(`${text}\n`)

/** Runs `work` under a line that says what goes on and, at its end, how long it took. */
async function step(title, work) {
  const begin = performance.now()
  say(`${title} …`)
  await work()
  say(`${title}: ${((performance.now() - begin) / 1000).toFixed(1)} s`)
}

const reasons = [
  [
    /EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY/,
    'what the registry sent does not have the checksum pinned here; do not use it, and try again or from another network',
  ],
  [/ENOSPC/, 'the disk is full; free about 1 GB and run the command again'],
  [
    /EACCES|EPERM|EROFS/,
    'a folder cannot be written; check who owns this folder and the npm cache, and run the command again',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL|UND_ERR/,
    'the npm registry cannot be reached; check the network, or name a mirror in npm_config_registry, and run the command again',
  ],
  [
    /ERR_PNPM_OUTDATED_LOCKFILE/,
    'pnpm-lock.yaml does not fit the package.json files; run .tools/pnpm/node_modules/.bin/pnpm install and commit the lockfile',
  ],
]

/** The sentence for a failed child: what was wanted, the reason if its output tells one, and what to try. */
export function explain(wanted, output) {
  const known = reasons.find(([pattern]) => pattern.test(output))
  if (known) return `${wanted}: ${known[1]}.`
  const tail = output.trimEnd().split('\n').slice(-20).join('\n')
  return `${tail}\n${wanted}: the output above says why.`
}

/** Without these a machine without network waits for minutes before it says so. */
const impatience = {
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '5000',
}

/** The version of pnpm and its checksum, as `packageManager` of package.json pins them. */
export function pinnedPnpm(packageManager) {
  const match = /^pnpm@(\d+\.\d+\.\d+)\+sha512\.([0-9a-f]{128})$/.exec(packageManager)
  if (!match)
    throw new SetupError(
      `package.json pins no pnpm with its checksum in "packageManager" (found ${packageManager}).`,
    )
  return { version: match[1], integrity: `sha512-${Buffer.from(match[2], 'hex').toString('base64')}` }
}

const toolFolder = join(root, '.tools/pnpm')
const pnpmPath = join(toolFolder, 'node_modules/pnpm/bin/pnpm.cjs')

/** Fetches the pinned pnpm with npm, which refuses a tarball of another checksum than the lockfile written here. */
async function ensurePnpm() {
  const { version, integrity } = pinnedPnpm(
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager,
  )
  const stamp = join(toolFolder, '.stamp')
  if (readStamp(stamp) === integrity && existsSync(pnpmPath)) return
  await step(`Fetching pnpm ${version}`, async () => {
    rmSync(toolFolder, { recursive: true, force: true })
    mkdirSync(toolFolder, { recursive: true })
    const dependencies = { pnpm: version }
    const lock = {
      name: 'varve-tools',
      lockfileVersion: 3,
      packages: {
        '': { dependencies },
        'node_modules/pnpm': { version, integrity, bin: { pnpm: 'bin/pnpm.cjs' } },
      },
    }
    writeFileSync(
      join(toolFolder, 'package.json'),
      JSON.stringify({ name: 'varve-tools', private: true, dependencies }),
    )
    writeFileSync(join(toolFolder, 'package-lock.json'), JSON.stringify(lock))
    const done = await runNpm(
      ['ci', '--prefix', toolFolder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      { cwd: toolFolder, env: impatience },
    )
    if (done.code !== 0) throw new SetupError(explain(`pnpm ${version} could not be fetched`, done.output))
    writeStamp(stamp, integrity)
  })
}

export function runPnpm(args, options = {}) {
  return run(process.execPath, [pnpmPath, ...args], { cwd: root, ...options })
}

async function ensureInstalled() {
  const inputs = [
    ...['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'benchmarks/package.json'],
    ...packageNames().map(name => `packages/${name}/package.json`),
  ].map(path => join(root, path))
  const wanted = `${process.platform} ${process.arch} ${fingerprintByContent(inputs)}`
  // Inside node_modules, so that it goes when they do.
  const stamp = join(root, 'node_modules/.varve-installed')
  if (readStamp(stamp) === wanted) return
  await step('Installing the dependencies from the lockfile', async () => {
    const done = await runPnpm(['install', '--frozen-lockfile', '--config.confirm-modules-purge=false'], {
      env: impatience,
    })
    if (done.code !== 0) throw new SetupError(explain('The dependencies could not be installed', done.output))
    writeStamp(stamp, wanted)
  })
}

const sources = name => filesBelow(join(root, 'packages', name, 'src'))

/** The compiled file of each source: one that is missing means that someone removed `dist`. */
function outputsMissing(names) {
  return names.some(name =>
    sources(name)
      .filter(path => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .some(path => !existsSync(outputOf(name, path))),
  )
}

function outputOf(name, path) {
  const inner = path.slice(join(root, 'packages', name, 'src').length, -'.ts'.length)
  return `${join(root, 'packages', name, 'dist')}${inner}.js`
}

/** Removes what the compiler made of sources that are gone: it would be found by imports and packed. */
function removeOrphans(names) {
  for (const name of names) {
    const made = new Set(sources(name).map(path => outputOf(name, path).slice(0, -'.js'.length)))
    const dist = join(root, 'packages', name, 'dist')
    for (const path of filesBelow(dist, path => /\.(js|d\.ts)(\.map)?$/.test(path))) {
      if (!made.has(path.replace(/\.(js|d\.ts)(\.map)?$/, ''))) rmSync(path)
    }
  }
}

/** Compiles what changed; `projects` are paths from the root, all of the packages if not given. */
async function ensureBuilt(projects) {
  if (projects?.length === 0) return
  const names = packageNames()
  const inputs = [
    join(root, 'tsconfig.base.json'),
    join(root, 'tsconfig.json'),
    join(root, 'node_modules/.varve-installed'),
    ...names.flatMap(name => [join(root, 'packages', name, 'tsconfig.json'), ...sources(name)]),
  ]
  const wanted = fingerprintByTime(inputs)
  const kind = projects === undefined ? 'all' : projects.join(' ').replaceAll('/', '-')
  const stamps = ['all', kind].map(name => join(root, '.cache/built', name))
  if (stamps.some(stamp => readStamp(stamp) === wanted) && !outputsMissing(builtBy(names, kind))) return
  await step('Building what changed', async () => {
    removeOrphans(names)
    const done = await run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', ...(projects ?? [])], {
      cwd: root,
    })
    if (done.code !== 0)
      throw new SetupError(`${done.output.trimEnd()}\nThe build failed: the output above says where.`)
    writeStamp(stamps[1], wanted)
  })
}

/** The packages whose outputs a build certainly made: for a part of them only what was named is known. */
function builtBy(names, kind) {
  return kind === 'all' ? names : names.filter(name => kind.split(' ').includes(`packages-${name}`))
}

/**
 * Everything between a fresh clone and a command that works: the pinned pnpm, the dependencies, the build. Each
 * part is skipped when nothing that it depends on changed.
 */
export async function setup({ projects } = {}) {
  try {
    await ensurePnpm()
    await ensureInstalled()
    await ensureBuilt(projects)
  } catch (error) {
    if (error instanceof SetupError) throw error
    if (error?.code === 'ENOSPC' || error?.code === 'EACCES' || error?.code === 'EROFS')
      throw new SetupError(explain('The setup could not write here', error.code))
    throw error
  }
}

/** Runs `main`; what it throws becomes one sentence and exit code 1. */
export function runMain(main) {
  main().then(
    code => {
      process.exitCode = code
    },
    error => {
      say(error instanceof SetupError ? error.message : String(error?.stack ?? error))
      process.exitCode = 1
    },
  )
}
