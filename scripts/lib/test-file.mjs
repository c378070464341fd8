import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { Parser } from 'tap-parser'
import { killTree, start } from './run.mjs'
import { root } from './setup.mjs'

const loader = pathToFileURL(join(root, 'scripts/lib/typescript-loader.mjs')).href

/** What tap says about itself, as opposed to what a test says about its run (its seed, its counts). */
const ownComments = /^# (Subtest\b|time=|test count|failed \d|passed \d|skip|todo|no tests found|\{ total)/

/** How much of what a file printed beside its TAP is shown when it fails, in characters. */
const noiseMax = 4_000

/**
 * Runs one test file in a process of its own and judges it: a file passes when tap's stream is whole, every test in
 * it passed, there was at least one, and the process ended by itself with code 0 within `timeoutSeconds`.
 *
 * @returns passed and failed (tests at the top of the file), skipped, problems (each a text of some lines),
 *   comments, seconds
 */
export async function runTestFile(path, { timeoutSeconds }) {
  const begin = performance.now()
  const file = resolve(root, path)
  const folder = dirname(file).replace(/[/\\]test\b.*$/, '')
  const child = start(process.execPath, ['--enable-source-maps', '--import', loader, file], {
    cwd: folder,
    // tap ends a test that waits for ever a little earlier than this runner does, and can say which one it was.
    env: {
      TAP: '1',
      TAP_CWD: folder,
      TAP_TIMEOUT: String(Math.max(1, timeoutSeconds - 5)),
      NODE_ENV: 'test',
    },
  })
  const stream = readTap(child.stdout)
  let noise = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    noise = (noise + text).slice(-noiseMax)
  })
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    killTree(child)
  }, timeoutSeconds * 1000)
  const [code, signal] = await new Promise(resolve => {
    child.once('error', error => resolve([error.message, null]))
    child.once('close', (...end) => resolve(end))
  })
  clearTimeout(timer)
  killTree(child)
  const tap = await stream
  const end = { code, signal, hung, timeoutSeconds }
  const verdict = judge(tap, end)
  if (verdict.problems.length > 0 && noise.trim() !== '')
    verdict.problems.push(`stderr ends with:\n${ownLines(noise).trimEnd()}`)
  return { ...verdict, comments: tap.comments, seconds: (performance.now() - begin) / 1000 }
}

/** Reads a TAP stream to its end. */
export function readTap(stream) {
  const tap = {
    passed: 0,
    failed: 0,
    skipped: 0,
    failures: [],
    comments: [],
    last: undefined,
    extra: '',
    results: undefined,
  }
  return new Promise(resolve => {
    const parser = new Parser(results => {
      tap.results = results
      resolve(tap)
    })
    listen(parser, [], tap)
    stream.pipe(parser)
  })
}

function listen(parser, names, tap) {
  parser.on('comment', line => {
    if (!ownComments.test(line.trim())) tap.comments.push(line.trim())
  })
  parser.on('extra', text => {
    tap.extra = (tap.extra + text).slice(-noiseMax)
  })
  parser.on('child', child => {
    tap.last = [...names, child.name]
    listen(child, tap.last, tap)
  })
  parser.on('assert', result => {
    const missed = !result.ok && !result.todo && !result.skip
    if (names.length === 0) {
      if (result.skip || result.todo) tap.skipped++
      else if (missed) tap.failed++
      else tap.passed++
    }
    // A subtest fails because something in it did, and that was told already.
    if (missed && !tap.failures.some(({ names: inner }) => isWithin(inner, [...names, result.name])))
      tap.failures.push({ names: [...names, result.name], diag: result.diag ?? undefined })
  })
}

const isWithin = (inner, outer) =>
  inner.length > outer.length && outer.every((name, at) => inner[at] === name)

/** Passed or failed, and why: from what tap said and from how the process ended. */
export function judge(tap, { code, signal, hung, timeoutSeconds }) {
  const problems = tap.failures.map(describeFailure)
  const { results } = tap
  if (hung) {
    const last = tap.last ? `; the last test that it began: ${tap.last.join(' > ')}` : ''
    problems.push(`hung: it did not end within ${timeoutSeconds} s and was killed${last}`)
  } else {
    if (signal) problems.push(`the process was ended by ${signal}`)
    else if (code !== 0 && problems.length === 0) problems.push(`the process ended with code ${code}`)
    if (code === 0 && tap.failures.length === 0 && isEmpty(tap)) problems.push('it holds no test')
    if (!results?.ok && problems.length === 0)
      problems.push(`its output is no whole TAP stream: ${tapErrors(results)}`)
  }
  if (problems.length > 0 && tap.extra.trim() !== '')
    problems.push(`stdout beside the tests:\n${tap.extra.trimEnd()}`)
  const failed = problems.length > 0 ? Math.max(1, tap.failed) : 0
  return { passed: tap.passed, failed, skipped: tap.skipped, problems }
}

function isEmpty({ passed, failed, skipped, results }) {
  if (passed + failed + skipped > 0) return false
  const reason = results?.plan?.comment ?? ''
  return !results?.plan?.skipAll || reason === '' || /no tests found/.test(reason)
}

function tapErrors(results) {
  const errors = results?.failures?.map(failure => failure.tapError).filter(Boolean) ?? []
  return errors.length > 0 ? errors.join(', ') : 'it ends early'
}

/** A failed assertion as lines: where it stands, what was wanted and found. */
export function describeFailure({ names, diag }) {
  const lines = [names.filter(Boolean).join(' > ')]
  if (!diag) return lines[0]
  const { at, stack, source, diff, found, wanted, compare, tapError, ...rest } = diag
  if (at?.fileName) lines.push(`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`)
  if (tapError) lines.push(String(tapError))
  if (diff) lines.push(String(diff).trimEnd())
  else {
    if ('wanted' in diag) lines.push(`wanted: ${show(wanted)}`)
    if ('found' in diag) lines.push(`found: ${show(found)}`)
    if (compare) lines.push(`compare: ${compare}`)
  }
  for (const [name, value] of Object.entries(rest)) lines.push(`${name}: ${show(value)}`)
  if (source) lines.push(String(source).trimEnd())
  if (stack) lines.push(ownLines(String(stack)).trimEnd())
  return lines.join('\n')
}

const show = value => inspect(value, { depth: 4, breakLength: 110 })

/** A stack without the lines of tools and of Node, which are the same in every failure. */
function ownLines(text) {
  return text.replaceAll(/^.*(\/node_modules\/|[( ]node:internal|node:async_hooks).*\n?/gm, '')
}
