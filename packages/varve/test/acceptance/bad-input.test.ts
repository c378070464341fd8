import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test as Tap } from 'tap'
import { Varve } from 'varve'
import { lines, ONE_SENTENCE, shell, start, varve } from './command.ts'

/** A directory with the topic `t`. */
async function directory(folder: string, partitions = 1): Promise<string> {
  const data = join(folder, 'd')
  const made = await Varve.open(data)
  await made.admin.createTopic('t', { partitions })
  await made.close()
  return data
}

/** Does `work` in a small file system of its own; where this machine cannot mount one, it says why. */
async function mounted(t: Tap, size: string, work: (folder: string) => Promise<void>): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    t.pass('skipped', { skip: 'mounting takes root on Linux' })
    return
  }
  // Not below the test's own folder: a mount that a killed run left must not be in the way of the next one.
  const folder = mkdtempSync(join(tmpdir(), 'varve-mount-'))
  try {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'pipe' })
    } catch (error) {
      t.pass('skipped', { skip: `mounting is not permitted here: ${String(error)}` })
      return
    }
    try {
      await work(folder)
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  } finally {
    rmdirSync(folder)
  }
}

t.test('a directory that another process owns is refused, and can be read', async t => {
  const data = await directory(t.testdir())
  const owner = start(['produce', 't', '-o', 'json', '--data', data], { input: 'open' })
  owner.child.stdin.write('one\n')
  await owner.until(({ stdout }) => stdout.includes('\n'))
  for (const args of [
    ['produce', 't'],
    ['topic', 'create', 'x'],
  ]) {
    const result = await varve([...args, '--data', data])
    t.match(result, { code: 4, stdout: '', stderr: ONE_SENTENCE }, args.join(' '))
    t.match(result.stderr, new RegExp(`process ${String(owner.child.pid)}`))
  }
  t.match(await varve(['read', 't', '--data', data]), { code: 0, stdout: 'one\n', stderr: '' })
  owner.child.stdin.end('two\n')
  t.equal((await owner.ended).code, 0)
  t.match(await varve(['read', 't', '--data', data]), { code: 0, stdout: 'one\ntwo\n' })
})

t.test('a folder that is not Varve’s or Kafka’s is left as it is', async t => {
  const folder = t.testdir({ other: { 'notes.txt': 'mine' }, file: 'text' })
  for (const args of [
    ['topic', 'create', 'x'],
    ['read', 'x'],
  ]) {
    const result = await varve([...args, '--data', 'other'], { cwd: folder })
    t.match(result, { code: 1, stdout: '', stderr: ONE_SENTENCE }, args.join(' '))
    t.match(result.stderr, /no data directory of Varve or Kafka/)
  }
  t.same(readdirSync(join(folder, 'other')), ['notes.txt'])
  const file = await varve(['topic', 'create', 'x', '--data', 'file'], { cwd: folder })
  t.match(file, { code: 1, stdout: '', stderr: ONE_SENTENCE })
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'text')
  const absent = await varve(['read', 'x', '--data', 'absent'], { cwd: folder })
  t.match(absent, { code: 3, stdout: '', stderr: ONE_SENTENCE })
  t.notOk(existsSync(join(folder, 'absent')))
})

t.test('a newer format is refused and kept', async t => {
  const data = await directory(t.testdir())
  const files = readdirSync(data).sort()
  const properties = readFileSync(join(data, 'meta.properties'))
  writeFileSync(join(data, 'varve.format'), '{"version":99,"oldestReader":99}')
  for (const args of [
    ['read', 't'],
    ['produce', 't'],
  ]) {
    const result = await varve([...args, '--data', data])
    t.match(result, { code: 1, stdout: '', stderr: ONE_SENTENCE })
    t.match(result.stderr, /99.*newer/)
  }
  t.same(readdirSync(data).sort(), files, 'no lock, nothing new')
  t.same(readFileSync(join(data, 'meta.properties')), properties)
})

t.test('a name that is no name of a topic is a usage error', async t => {
  const data = await directory(t.testdir())
  for (const name of ['a/b', 'x'.repeat(250)])
    t.match(
      await varve(['topic', 'create', name, '--data', data]),
      { code: 2, stdout: '', stderr: ONE_SENTENCE },
      name,
    )
  t.equal((await varve(['topic', 'create', 'x'.repeat(249), '--data', data])).code, 0)
  const reader = await Varve.open(data, { readOnly: true })
  t.same((await reader.admin.listTopics()).map(({ topic }) => topic).sort(), ['t', 'x'.repeat(249)])
  await reader.close()
})

t.test('a malformed line stops at its number, and what came before is there', async t => {
  const data = await directory(t.testdir())
  const bad = ['{bad', '{"value":"x","timestamp":"now"}']
  for (const [i, line] of bad.entries()) {
    const input = `{"value":"a${i}"}\n{"value":"b${i}"}\n${line}\n{"value":"never"}\n`
    const result = await varve(['produce', 't', '--json', '--data', data], { input })
    t.equal(result.code, 1, line)
    const [acknowledged, error, ...more] = lines(result.stderr).sort()
    t.match(acknowledged, /^Appended 2 records/, line)
    t.match(error, /^varve: Line 3 .*\.$/, line)
    t.same(more, [])
  }
  const skipped = await varve(['produce', 't', '--json', '--on-error', 'skip', '--data', data], {
    input: '{bad\n{"value":"kept"}\n',
  })
  t.match(skipped.stderr, /Line 1 /)
  const long = await varve(['produce', 't', '--data', data], { input: `short\n${'x'.repeat(3_000_000)}\n` })
  t.equal(long.code, 1)
  t.match(long.stderr, /Line 2 /)
  const stored = lines((await varve(['read', 't', '--data', data])).stdout)
  t.same(stored, [...bad.flatMap((_, i) => [`a${i}`, `b${i}`]), 'kept', 'short'])
})

t.test('a full disk is told, what was acknowledged stays, and space heals it', async t => {
  // Making a topic needs some 100 KB; only the records fill it.
  await mounted(t, '3m', async folder => {
    const data = await directory(folder)
    const result = await varve(['produce', 't', '--data', data], {
      input: `${'x'.repeat(99)}\n`.repeat(40_000),
    })
    t.match(result, { code: 1, stdout: '' })
    t.match(result.stderr, /varve: [^\n]*(disk is full|are left on the disk)[^\n]*\n/)
    const acknowledged = Number(/Appended (\d+) records/.exec(result.stderr)?.[1])
    t.ok(acknowledged < 40_000)
    const stored = lines((await varve(['read', 't', '--data', data])).stdout).length
    t.ok(stored >= acknowledged, `${stored} stored, ${acknowledged} acknowledged`)
    execFileSync('mount', ['-o', 'remount,size=16m', folder])
    t.match(await varve(['produce', 't', '--data', data], { input: 'after\n' }), { code: 0 })
    t.equal((await varve(['read', 't', `${stored}..end`, '--data', data])).stdout, 'after\n')
  })
})

t.test('a directory that cannot be written is refused, and can be read', async t => {
  await mounted(t, '4m', async folder => {
    const data = await directory(folder)
    t.equal((await varve(['produce', 't', '--data', data], { input: 'x\n' })).code, 0)
    execFileSync('mount', ['-o', 'remount,ro', folder])
    for (const args of [
      ['produce', 't', '--data', data],
      ['topic', 'create', 'u', '--data', data],
      ['topic', 'create', 'u', '--data', join(folder, 'new')],
    ])
      t.match(await varve(args), { code: 4, stdout: '', stderr: ONE_SENTENCE }, args.join(' '))
    t.match(await varve(['read', 't', '--data', data]), { code: 0, stdout: 'x\n', stderr: '' })
  })
})

t.test('another user’s directory is refused', async t => {
  if (process.getuid?.() === 0) {
    t.pass('skipped', { skip: 'root may read and write everything' })
    return
  }
  const folder = t.testdir({ d: {} })
  mkdirSync(join(folder, 'd', 'in'), { mode: 0o000 })
  t.match(await varve(['topic', 'create', 't', '--data', 'd/in/x'], { cwd: folder }), {
    code: 4,
    stderr: ONE_SENTENCE,
  })
})

t.test('a reader that goes away is no error', async t => {
  const data = await directory(t.testdir())
  const owner = await Varve.open(data)
  await owner.producer().sendBatch(
    't',
    Array.from({ length: 20_000 }, (_, i) => ({ value: String(i) })),
  )
  await owner.close()
  const folder = dirname(data)
  for (const command of [`read t -o json --data ${data}`, `topic describe t --all --data ${data}`]) {
    const result = await shell(folder, `{ npx varve ${command}; echo "code $?" >&2; } | head -n 1`)
    t.match(result, { code: 0, stderr: 'code 0\n' }, command)
    t.equal(lines(result.stdout).length, 1, command)
  }
  const produced = await shell(
    folder,
    `{ yes | head -n 9000 | npx varve produce t -o json --data ${data}; echo "code $?" >&2; } | head -n 1`,
  )
  t.match(produced.stderr, /Appended \d+ records[^\n]*\n(code 0\n)$/)
  const stored = lines((await varve(['read', 't', '--data', data])).stdout).length - 20_000
  t.match(produced.stderr, `Appended ${stored} records`)
})

t.test('output that cannot be written is an error', async t => {
  if (!existsSync('/dev/full')) {
    t.pass('skipped', { skip: 'there is no /dev/full' })
    return
  }
  const data = await directory(t.testdir())
  t.equal((await varve(['produce', 't', '--data', data], { input: 'x\n' })).code, 0)
  const result = await shell(dirname(data), `npx varve read t --data ${data} > /dev/full`)
  t.match(result, { code: 1, stderr: ONE_SENTENCE })
})
