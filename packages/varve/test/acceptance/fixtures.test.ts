import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { Varve } from 'varve'
import { lines, ONE_SENTENCE, records, varve, type PrintedRecord } from './command.ts'

const kafka = fileURLToPath(new URL('../../../testkit/fixtures/kafka-4.3.0', import.meta.url))

type Expected = Omit<PrintedRecord, 'topic' | 'partition' | 'key' | 'value'> & {
  key: unknown
  value: unknown
}

/** `expected/`: topic, partition, records as Kafka's consumer saw them (bytes in base64, long ones as a digest). */
const expected = new Map<string, Map<number, Expected[]>>()
for (const name of readdirSync(join(kafka, 'expected'))) {
  const [, topic, partition] = /^(.*)-(\d+)\.ndjson(?:\.gz)?$/.exec(name) ?? []
  if (topic === undefined) continue
  const bytes = readFileSync(join(kafka, 'expected', name))
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const partitions = expected.get(topic) ?? new Map<number, Expected[]>()
  partitions.set(
    Number(partition),
    lines(text).map(line => JSON.parse(line) as Expected),
  )
  expected.set(topic, partitions)
}
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map(codec => `codec-${codec}`)

function short(bytes: Buffer | null): unknown {
  if (bytes === null || bytes.length <= 512) return bytes === null ? null : bytes.toString('base64')
  return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function all(topic: string): (Expected & { topic: string; partition: number })[] {
  const partitions = [...(expected.get(topic) ?? [])].sort(([a], [b]) => a - b)
  return partitions.flatMap(([partition, list]) => list.map(record => ({ topic, partition, ...record })))
}

/** Expected header names are in base64; the commands print them as text. */
function named(record: Expected): Expected {
  return {
    ...record,
    headers: record.headers.map(([name, value]) => [Buffer.from(name, 'base64').toString(), value]),
  }
}

/** Every file below a folder, with its size and time: reading must change none. */
function inventory(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => {
      const { size, mtimeMs } = statSync(join(folder, name))
      return `${name} ${size} ${mtimeMs}`
    })
    .sort()
}

t.test('there is something to compare with', t => {
  t.ok(codecs.every(topic => all(topic).length === 340))
  t.ok(expected.size >= 13)
  t.end()
})

t.test('`read -o json` prints what Kafka’s consumer saw, for every codec', async t => {
  const before = inventory(join(kafka, 'clean'))
  const data = join(kafka, 'clean')
  for (const topic of [...codecs, 'edge']) {
    const result = await varve([
      'read',
      topic,
      'start..end',
      '-o',
      'json',
      '--bytes',
      'base64',
      '--data',
      data,
    ])
    t.match(result, { code: 0, stderr: '' }, topic)
    const bytes = (text: string | null) => short(text === null ? null : Buffer.from(text, 'base64'))
    const got = records(result.stdout).map(one => ({ ...one, key: bytes(one.key), value: bytes(one.value) }))
    t.same(got, all(topic).map(named), topic)
  }
  t.same(inventory(data), before, 'nothing was changed')
})

t.test('without `--bytes` keys, values and headers are text', async t => {
  const data = join(kafka, 'clean')
  const result = await varve(['read', 'codec-lz4', 'start..end', '-o', 'json', '--data', data])
  const text = (bytes: unknown) =>
    typeof bytes === 'string' ? Buffer.from(bytes, 'base64').toString() : bytes
  const wanted = all('codec-lz4')
    .slice(0, 300)
    .map(named)
    .map(one => ({
      ...one,
      key: text(one.key),
      value: text(one.value),
      headers: one.headers.map(([name, value]) => [name, text(value)]),
    }))
  t.same(records(result.stdout).slice(0, 300), wanted)
  t.equal(lines(result.stdout).length, 340)
  t.same(Object.keys(records(result.stdout)[0] ?? {}), [
    'topic',
    'partition',
    'offset',
    'timestamp',
    'timestampType',
    'leaderEpoch',
    'key',
    'value',
    'headers',
  ])
})

for (const state of ['clean', 'unclean'])
  t.test(`the library reads every topic of the ${state} directory`, async t => {
    const folder = join(kafka, state)
    const before = inventory(folder)
    const varve = await Varve.open(folder, { readOnly: true })
    try {
      const topics = (await varve.admin.listTopics()).map(({ topic }) => topic).sort()
      t.same(topics, [...expected.keys()].sort())
      for (const topic of topics) {
        const got = []
        for await (const record of varve.read(topic, { from: 'start' }))
          got.push({
            topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            timestampType: record.timestampType,
            leaderEpoch: record.leaderEpoch,
            key: short(record.key),
            value: short(record.value),
            headers: record.headers.map(([name, value]) => [name, value?.toString('base64') ?? null]),
          })
        t.same(got, all(topic).map(named), topic)
      }
    } finally {
      await varve.close()
    }
    t.same(inventory(folder), before, 'nothing was changed')
  })

t.test('offsets below the start are gone, and it is said', async t => {
  const data = join(kafka, 'clean')
  const result = await varve(['read', 'trimmed', '10..50', '--data', data])
  t.match(result, { code: 3, stdout: '', stderr: ONE_SENTENCE })
  t.match(result.stderr, /has no offset 10.* 40 /)
  const rest = await varve(['read', 'trimmed', 'start..+2', '-o', 'json', '--data', data])
  t.same(
    records(rest.stdout).map(({ offset }) => offset),
    [40, 41],
  )
})

t.test('a directory that Kafka did not close is not owned without a wish', async t => {
  const data = join(kafka, 'unclean')
  const before = inventory(data)
  const result = await varve(['produce', 'idem', '--data', data], { input: 'x\n' })
  t.match(result, { code: /[14]/, stdout: '' })
  t.match(result.stderr, /--recover/)
  t.same(inventory(data), before, 'nothing was changed')
})
