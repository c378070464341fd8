import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Varve } from 'varve'
import { lines, ONE_SENTENCE, records, start, varve } from './command.ts'

const kafka = fileURLToPath(new URL('../../../testkit/fixtures/kafka-4.3.0', import.meta.url))

/** Every file below a folder, by its digest: looking must change none. */
function inventory(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  return names
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`
    })
    .sort()
}

async function made(folder: string): Promise<string> {
  const data = join(folder, 'd')
  const open = await Varve.open(data)
  await open.admin.createTopic('orders', { partitions: 2 })
  const producer = open.producer()
  for (let i = 0; i < 50; i++) await producer.send('orders', { key: `k${i}`, value: `v${i}`.repeat(20) })
  await open.close()
  return data
}

t.test('inspect and verify look at a Kafka directory and at one of Varve, and change nothing', async t => {
  const mine = await made(t.testdir())
  for (const [data, topic] of [
    [join(kafka, 'clean'), 'rolled-0'],
    [join(kafka, 'unclean'), 'rolled-0'],
    [mine, 'orders-0'],
  ] as const) {
    const before = inventory(data)
    const inspected = await varve(['inspect', data])
    t.match(inspected, { code: 0, stderr: '' }, data)
    t.match(inspected.stdout, topic)
    t.match(inspected.stdout, /SEGMENTS/)
    const segments = await varve(['inspect', join(data, topic)])
    t.match(segments, { code: 0, stderr: '' })
    t.match(segments.stdout, `${topic}@0 `, 'its segments')
    const batches = await varve(['inspect', join(data, topic, '00000000000000000000.log')])
    t.match(batches, { code: 0, stderr: '' })
    t.ok(lines(batches.stdout).length > 10, 'its batches')
    t.match(await varve(['verify', data]), { code: 0, stdout: /is sound/ }, `verify ${data}`)
    t.same(inventory(data), before, 'nothing was changed')
  }
})

t.test('one flipped bit in any kind of file with a checksum ends verify with 6 and its name', async t => {
  const folder = t.testdir()
  for (const file of [
    'codec-none-0/00000000000000000000.log',
    'codec-zstd-0/00000000000000000000.log',
    'rolled-0/00000000000000003931.log',
    'txn-0/00000000000000000017.snapshot',
    'rolled-0/00000000000000000000.index',
    'rolled-0/00000000000000000000.timeindex',
    'txn-0/00000000000000000006.txnindex',
  ]) {
    const data = join(folder, file.replaceAll('/', '_'))
    cpSync(join(kafka, 'clean'), data, { recursive: true })
    const path = join(data, file)
    const bytes = readFileSync(path)
    const at = bytes.length >> 1
    bytes[at] = (bytes[at] ?? 0) ^ 0x10
    writeFileSync(path, bytes)
    const before = inventory(data)
    const result = await varve(['verify', data])
    t.equal(result.code, 6, file)
    t.match(result.stdout + result.stderr, file, 'it names the file')
    t.same(inventory(data), before, 'nothing was changed')
  }
})

t.test('what is not there or no data directory is one sentence', async t => {
  const folder = t.testdir({ other: { 'notes.txt': 'mine' } })
  for (const command of ['inspect', 'verify']) {
    t.match(
      await varve([command, join(folder, 'absent')]),
      { code: 3, stdout: '', stderr: ONE_SENTENCE },
      command,
    )
    const other = await varve([command, join(folder, 'other')])
    t.ok([1, 3, 6].includes(other.code ?? 0), `${command} ends with ${String(other.code)}`)
    t.match(other.stderr, ONE_SENTENCE)
  }
})

t.test('inspect and verify work beside the owner', async t => {
  const data = await made(t.testdir())
  const owner = start(['produce', 'orders', '-o', 'json', '--data', data], { input: 'open' })
  owner.child.stdin.write('one\n')
  await owner.until(({ stdout }) => stdout.includes('\n'))
  t.match(await varve(['inspect', data]), { code: 0 })
  t.match(await varve(['verify', data]), { code: 0 })
  owner.child.stdin.end()
  t.equal((await owner.ended).code, 0)
})

t.test('readers of committed records see what Kafka’s consumer saw', async t => {
  for (const state of ['clean', 'unclean']) {
    const data = join(kafka, state)
    for (const [isolation, suffix] of [
      ['read_committed', '.committed'],
      ['read_uncommitted', ''],
    ] as const) {
      const args = ['read', 'txn', 'start..end', '--isolation', isolation, '-o', 'json', '--data', data]
      const result = await varve(args)
      t.match(result, { code: 0, stderr: '' })
      const wanted = [0, 1].flatMap(partition =>
        lines(readFileSync(join(kafka, 'expected', `txn-${partition}${suffix}.ndjson`), 'utf8')).map(
          line => `${partition}:${String((JSON.parse(line) as { offset: number }).offset)}`,
        ),
      )
      const found = records(result.stdout).map(({ partition, offset }) => `${partition}:${offset}`)
      t.same(found.sort(), wanted.sort(), `${state}, ${isolation}`)
    }
  }
})
