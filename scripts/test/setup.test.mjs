import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { nodeProblem } from '../lib/node-version.mjs'
import { explain, pinnedPnpm } from '../lib/setup.mjs'
import { filesBelow, fingerprintByContent, fingerprintByTime, readStamp, writeStamp } from '../lib/stamp.mjs'
import { matches, select } from '../lib/test-files.mjs'

t.test('a fingerprint by time changes when a file is written, comes or goes', async t => {
  const folder = t.testdir({ 'a.ts': 'one', below: { 'b.ts': 'two' }, node_modules: { 'c.ts': 'three' } })
  const now = () => fingerprintByTime(filesBelow(folder))
  const first = now()
  t.equal(now(), first, 'and else stays')
  utimesSync(join(folder, 'below/b.ts'), 1, 2)
  const touched = now()
  t.not(touched, first)
  writeFileSync(join(folder, 'c.ts'), '')
  const added = now()
  t.not(added, touched)
  rmSync(join(folder, 'c.ts'))
  t.equal(now(), touched)
  writeFileSync(join(folder, 'node_modules/c.ts'), 'other')
  t.equal(now(), touched, 'what is installed does not count')
})

t.test('a fingerprint by content stays over a new checkout of the same bytes', async t => {
  const folder = t.testdir({ a: 'one', b: 'two' })
  const files = ['a', 'b', 'missing'].map(name => join(folder, name))
  const first = fingerprintByContent(files)
  utimesSync(files[0], 1, 2)
  t.equal(fingerprintByContent(files), first)
  writeFileSync(files[0], 'onet')
  writeFileSync(files[1], 'wo')
  t.not(fingerprintByContent(files), first, 'bytes that move from one file to the next are a change')
})

t.test('a stamp that was never written reads as undefined', async t => {
  const path = join(t.testdir(), 'deep/stamp')
  t.equal(readStamp(path), undefined)
  writeStamp(path, 'x')
  t.equal(readStamp(path), 'x')
})

t.test('the pinned pnpm needs its version and its checksum', async t => {
  const { version, integrity } = pinnedPnpm(`pnpm@10.34.9+sha512.${'0'.repeat(128)}`)
  t.equal(version, '10.34.9')
  t.match(integrity, /^sha512-A{85}.==$/)
  for (const bad of ['pnpm@10.34.9', 'pnpm@10.34.9+sha512.abc', 'yarn@4.0.0', undefined])
    t.throws(() => pinnedPnpm(bad), /pins no pnpm/)
})

t.test('a failed child is explained in one sentence', async t => {
  t.match(explain('x', 'npm error code ENOTFOUND'), /^x: the npm registry cannot be reached.*\.$/)
  t.match(explain('x', 'ERR_PNPM_ENOSPC  no space left'), /^x: the disk is full.*\.$/)
  t.match(explain('x', 'npm error code EINTEGRITY'), /^x: .*checksum.*\.$/)
  t.match(explain('x', 'something else'), /something else\nx: the output above says why\.$/)
})

t.test('an old Node is told what to do', async t => {
  for (const old of ['18.20.8', '20.18.3', '4.0.0'])
    t.match(nodeProblem(old), new RegExp(`this is ${old}; install`))
  for (const good of ['20.19.0', '20.20.2', '22.0.0', '24.1.0']) t.equal(nodeProblem(good), undefined)
})

t.test('a filter is the name of a package or a part of a path', async t => {
  const names = ['log', 'cli']
  const files = [
    'packages/log/test/recovery.test.ts',
    'packages/cli/test/log.test.ts',
    'scripts/test/setup.test.mjs',
  ]
  const chosen = (filters, except = []) => select(files, { filters, except, names })
  t.same(chosen([]), files)
  t.same(chosen(['log']), [files[0]], 'a name of a package is not looked for in paths')
  t.same(chosen(['@varve/log']), [files[0]])
  t.same(chosen(['recovery', 'cli']), [files[0], files[1]])
  t.same(chosen(['./packages/log/test/recovery.test.ts']), [files[0]])
  t.same(chosen([], ['log']), [files[1], files[2]])
  t.same(chosen(['nothing']), [])
  t.ok(matches(files[2], 'scripts', names))
})
