import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { commonJs, esm, typescript } from './consumer-programs.mjs'
import { run, runNpm } from './run.mjs'
import { packageNames, root, runMain, runPnpm, setup } from './setup.mjs'

const problems = []

const report = (ok, title, output = '') => {
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${title}\n`)
  if (ok) return
  problems.push(title)
  process.stdout.write(`${output.trimEnd().replaceAll(/^/gm, '       ')}\n`)
}

function publicPackages() {
  return packageNames()
    .map(folder => ({
      folder,
      ...JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')),
    }))
    .filter(manifest => manifest.private !== true)
}

const program = (name, path) => join(root, 'node_modules', name, path)

/** Packs one package and looks at the tarball alone: its files, its manifest, what publint and attw say. */
async function pack(manifest, folder) {
  const { name } = manifest
  const packed = await runPnpm(['pack', '--json', '--pack-destination', folder], {
    cwd: join(root, 'packages', manifest.folder),
  })
  if (packed.code !== 0) {
    report(false, `${name}: pnpm pack`, packed.output)
    return undefined
  }
  const { filename } = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('{')))
  const files = filesOf(filename)
  const wrong = unwanted(files)
  report(wrong.length === 0, `${name}: ${files.length} files`, wrong.join('\n'))
  const publint = await run(process.execPath, [program('publint', 'src/cli.js'), 'run', filename, '--strict'])
  report(publint.code === 0, `${name}: publint`, publint.output)
  const attw = await run(process.execPath, [
    program('@arethetypeswrong/cli', 'dist/index.js'),
    ...[filename, '--profile', 'esm-only', '--no-emoji', '--no-color'],
  ])
  report(attw.code === 0, `${name}: types (attw)`, attw.output)
  return [name, filename]
}

/** The paths in a tarball: pnpm's own list leaves out the licence that it adds from the root. */
function filesOf(tarball) {
  const bytes = gunzipSync(readFileSync(tarball))
  const text = (at, length) => bytes.toString('utf8', at, at + length).replace(/\0.*$/s, '')
  const files = []
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8)
    const [name, prefix, type] = [text(at, 100), text(at + 345, 155), text(at + 156, 1)]
    if (type === '0' || type === '')
      files.push((prefix ? `${prefix}/${name}` : name).replace(/^package\//, ''))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

function unwanted(files) {
  const stray = files.filter(
    path => !/^(dist\/.*\.(js|d\.ts)(\.map)?|dist\/.*\.(json|wasm)|bin\/[\w.-]+)$/.test(path),
  )
  const plain = ['LICENSE', 'README.md', 'package.json']
  return [
    ...stray.filter(path => !plain.includes(path)).map(path => `${path} does not belong into the package`),
    ...plain.filter(path => !files.includes(path)).map(path => `${path} is missing`),
  ]
}

/** Two at a time: each look is a process of its own. */
async function packAll(manifests, folder) {
  const waiting = [...manifests]
  const tarballs = []
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) tarballs.push(await pack(next, folder))
  }
  await Promise.all([work(), work()])
  return Object.fromEntries(tarballs.filter(Boolean))
}

/** Installs the tarballs with npm into an empty folder and runs what a stranger would write there. */
async function use(tarballs, version, folder) {
  const specs = Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]))
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { varve: specs.varve },
    // The packages name each other by a version that no registry has yet.
    overrides: Object.fromEntries(Object.entries(specs).filter(([name]) => name !== 'varve')),
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const here = { cwd: folder, timeoutMs: 120_000 }
  const installed = await runNpm(['install', '--no-audit', '--no-fund', '--loglevel=error'], here)
  report(installed.code === 0, 'npm install of the tarballs', installed.output)
  if (installed.code !== 0) return
  await prints('an ESM program', 'program.mjs', esm, here)
  await prints("a CommonJS program with require('varve')", 'program.cjs', commonJs, here)
  await compiles(here)
  const cli = await runNpm(['exec', '--no', '--', 'varve', '--version'], here)
  report(cli.code === 0 && cli.stdout.trim() === version, 'npx varve --version', cli.output)
}

async function prints(title, file, source, here) {
  if (source) writeFileSync(join(here.cwd, file), source)
  const done = await run(process.execPath, [file], here)
  report(done.code === 0 && done.stdout === '42 o-1\n', `${title} runs`, done.output)
}

async function compiles(here) {
  const config = {
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2022', 'ESNext.Disposable'],
      module: 'NodeNext',
      strict: true,
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
    },
    files: ['typed.mts'],
  }
  writeFileSync(join(here.cwd, 'tsconfig.json'), JSON.stringify(config))
  writeFileSync(join(here.cwd, 'typed.mts'), typescript)
  const compiled = await run(process.execPath, [program('typescript', 'bin/tsc'), '-p', '.'], here)
  report(compiled.code === 0, 'a TypeScript program with `await using` compiles', compiled.output)
  await prints('a TypeScript program with `await using`', 'typed.mjs', undefined, here)
}

runMain(async () => {
  await setup()
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'varve-packages-')))
  try {
    const manifests = publicPackages()
    mkdirSync(join(folder, 'tarballs'))
    mkdirSync(join(folder, 'program'))
    const tarballs = await packAll(manifests, join(folder, 'tarballs'))
    const { version } = manifests.find(({ name }) => name === 'varve')
    if (Object.keys(tarballs).length === manifests.length)
      await use(tarballs, version, join(folder, 'program'))
    else report(false, 'npm install of the tarballs', 'not all packages could be packed')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  process.stdout.write(
    problems.length === 0 ? 'All packages can be published.\n' : `${problems.length} problems.\n`,
  )
  return problems.length === 0 ? 0 : 1
})
