import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readStamp, writeStamp } from './stamp.mjs'
import { packageNames, root, runMain, setup, SetupError } from './setup.mjs'
import { select, testFiles } from './test-files.mjs'

const help = `npm test                        every test of every package
npm test -- log records         the tests of these packages
npm test -- log/test/recovery   the test files whose path contains this
npm test -- --except simulation all but these

Options: --except NAME (again for more), --jobs N (2), --timeout SECONDS a file (180; simulation 300), --list`

/** How long each file took last time: the longest go first, so that the last core is not left with one. */
const timesPath = join(root, '.cache/test-seconds.json')

/** What must be compiled for `files`: everything, or for some packages only what their tests name. */
function projectsFor(files, filters) {
  if (filters.length === 0) return undefined
  const names = [
    ...new Set(files.filter(path => path.startsWith('packages/')).map(path => path.split('/')[1])),
  ]
  const projects = names.flatMap(name => {
    const config = join(root, 'packages', name, 'test/tsconfig.json')
    const references = existsSync(config) ? (JSON.parse(readFileSync(config, 'utf8')).references ?? []) : []
    return [
      name,
      ...references.map(({ path }) => join('test', path)).map(path => path.replace(/^(\.\.\/)+/, '')),
    ]
  })
  const known = packageNames()
  return [...new Set(projects)].filter(name => known.includes(name)).map(name => `packages/${name}`)
}

function report(path, result) {
  const { passed, failed, skipped, problems, comments, seconds } = result
  const verdict = problems.length > 0 ? 'FAIL' : 'ok  '
  const counts = [`${passed} passed`]
  if (failed > 0) counts.push(`${failed} failed`)
  if (skipped > 0) counts.push(`${skipped} skipped`)
  const lines = [`${verdict} ${path.padEnd(58)} ${counts.join(', ')}, ${seconds.toFixed(1)} s`]
  for (const comment of comments.slice(0, 20)) lines.push(`       ${comment}`)
  if (comments.length > 20) lines.push(`       # and ${comments.length - 20} comments more`)
  for (const problem of problems) lines.push(`     ${problem.replaceAll('\n', '\n       ')}`)
  process.stdout.write(`${lines.join('\n')}\n`)
}

function readTimes() {
  try {
    return JSON.parse(readStamp(timesPath) ?? '{}')
  } catch {
    return {}
  }
}

async function runAll(files, { jobs, timeout }) {
  // Only now: before the setup its parser was perhaps not installed.
  const { runTestFile } = await import('./test-file.mjs')
  const times = readTimes()
  const waiting = files.toSorted((a, b) => (times[b] ?? 1) - (times[a] ?? 1))
  const total = { passed: 0, failed: 0, failedFiles: [] }
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const timeoutSeconds = timeout ?? (path.startsWith('packages/simulation/') ? 300 : 180)
      const result = await runTestFile(path, { timeoutSeconds })
      report(path, result)
      times[path] = Math.round(result.seconds * 10) / 10
      total.passed += result.passed
      total.failed += result.failed
      if (result.problems.length > 0) total.failedFiles.push(path)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  writeStamp(timesPath, JSON.stringify(times))
  return total
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        except: { type: 'string', multiple: true, default: [] },
        jobs: { type: 'string', default: '2' },
        timeout: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new SetupError(`${error.message}\n${help}`)
  }
}

function positive(name, text) {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new SetupError(`--${name} wants a whole number above 0 and got "${text}".`)
}

async function main() {
  const { values, positionals: filters } = readArguments()
  if (values.help) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const jobs = positive('jobs', values.jobs)
  const timeout = values.timeout === undefined ? undefined : positive('timeout', values.timeout)
  const names = packageNames()
  const files = select(testFiles(), { filters, except: values.except, names })
  if (files.length === 0)
    throw new SetupError(`No test file fits "${filters.join(' ')}"; the packages are ${names.join(', ')}.`)
  if (values.list) {
    process.stdout.write(`${files.join('\n')}\n`)
    return 0
  }
  await setup({ projects: projectsFor(files, filters) })
  const begin = performance.now()
  process.stdout.write(`${files.length} test files on Node ${process.versions.node}, ${jobs} at a time\n`)
  const { passed, failed, failedFiles } = await runAll(files, { jobs, timeout })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  if (failedFiles.length > 0) {
    const again = failedFiles.map(path => `\n  npm test -- ${path}`).join('')
    process.stdout.write(`\nFailed; to run them again:${again}\n`)
  }
  process.stdout.write(`\n${files.length} files in ${seconds} s\n${passed} passed, ${failed} failed\n`)
  return failed > 0 ? 1 : 0
}

runMain(async () => {
  try {
    return await main()
  } catch (error) {
    // The last line counts in every case: whoever only reads that sees a failure, not nothing.
    if (error instanceof SetupError) process.stderr.write(`${error.message}\n`)
    else process.stderr.write(`${error.stack}\n`)
    process.stdout.write('0 passed, 1 failed\n')
    return 1
  }
})
