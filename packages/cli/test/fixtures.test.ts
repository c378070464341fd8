import { createHash } from 'node:crypto'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  batchOf,
  expectedRecords,
  fixture,
  markerBatch,
  type ExpectedBytes,
  type ExpectedRecord,
} from '@varve/testkit'
import t from 'tap'
import { run } from './run.ts'

const TOPICS: Readonly<Record<string, number>> = {
  'codec-none': 1,
  'codec-gzip': 1,
  'codec-snappy': 1,
  'codec-lz4': 1,
  'codec-zstd': 1,
  edge: 1,
  rolled: 2,
  compacted: 1,
  logappend: 1,
  idem: 1,
  trimmed: 1,
  grown: 3,
  txn: 2,
}

/** What makes a difference where Kafka was killed: several segments, gaps, and indexes that end in zeros. */
const UNCLEAN = ['codec-lz4', 'edge', 'rolled', 'txn']

for (const directory of ['clean', 'unclean']) {
  t.test(
    `Kafka's directory (${directory}) reads as its own consumer reads it, and is left as it is`,
    async t => {
      const data = fixture(directory)
      const before = stateOf(data)
      for (const [topic, partitions] of Object.entries(TOPICS)) {
        if (directory === 'unclean' && !UNCLEAN.includes(topic)) continue
        const argv = ['read', topic, 'start..end', '-o', 'json', '--bytes', 'base64', '--data', data]
        const ran = await run(argv)
        t.equal(ran.code, 0, `${topic} ${ran.stderr}`)
        const found = ran.json()
        for (let partition = 0; partition < partitions; partition++) {
          const wanted = expectedRecords(`${topic}-${partition}`)
          const records = found
            .filter(one => one['topic'] === topic && one['partition'] === partition)
            .map(asExpected)
          t.equal(records.length, wanted.length, `${topic}-${partition}: ${wanted.length} records`)
          const at = wanted.findIndex(
            (one, index) => JSON.stringify(records[index]) !== JSON.stringify(ordered(one)),
          )
          if (at >= 0) t.same(records[at], wanted[at], `${topic}-${partition}, line ${at + 1}`)
        }
      }
      t.same(stateOf(data), before, 'no file was made, changed or touched')
    },
  )
}

t.test('readers of committed records see what Kafka shows them, up to the last stable offset', async t => {
  for (const directory of ['clean', 'unclean']) {
    const data = fixture(directory)
    for (const [isolation, ending] of [
      ['read_committed', '.committed'],
      ['read_uncommitted', ''],
    ] as const) {
      const options = ['--isolation', isolation, '-o', 'json', '--bytes', 'base64', '--data', data]
      const ran = await run(['read', 'txn', 'start..end', ...options])
      t.equal(ran.code, 0, ran.stderr)
      for (const partition of [0, 1]) {
        const records = ran.json().filter(one => one['partition'] === partition)
        t.same(
          records.map(asExpected),
          expectedRecords(`txn-${partition}${ending}`).map(ordered),
          `${directory} ${partition}`,
        )
      }
    }
  }
  const last = await run([
    'tail',
    'txn',
    '-p',
    '0',
    '-n',
    '4',
    '--isolation',
    'read_committed',
    '-o',
    'json',
    '--data',
    fixture('clean'),
  ])
  const wanted = expectedRecords('txn-0.committed').slice(-4)
  t.same(
    last.json().map(one => one['offset']),
    wanted.map(one => one.offset),
    'the tail passes over markers and what was aborted',
  )
  t.equal((await run(['read', 'txn', '--isolation', 'none', '--data', fixture('clean')])).code, 2)
})

t.test(
  'the tail of several partitions holds the newest, also where markers lie between the newest',
  async t => {
    const data = join(t.testdir(), 'data')
    t.equal((await run(['topic', 'create', 'x', '-p', '2', '-c', 'retention.ms=-1', '--data', data])).code, 0)
    const of = (partition: number, batches: readonly Buffer[]) => {
      writeFileSync(join(data, `x-${partition}`, `${'0'.repeat(20)}.log`), Buffer.concat(batches))
    }
    of(
      0,
      Array.from({ length: 10 }, (_, at) => batchOf(['old'], { baseOffset: at, timestamp: 1000 + at })),
    )
    const sender = { producerId: 7, producerEpoch: 0, transactional: true }
    const marker = (offset: number, timestamp: number): Buffer => {
      const bytes = markerBatch('commit', { ...sender, timestamp })
      bytes.writeBigInt64BE(BigInt(offset))
      return bytes
    }
    of(
      1,
      Array.from({ length: 10 }, (_, at) => [
        batchOf([`new ${at}`], {
          ...sender,
          baseOffset: 2 * at,
          baseSequence: at,
          timestamp: 2000 + at,
        }),
        marker(2 * at + 1, 2000 + at),
      ]).flat(),
    )
    rmSync(join(data, 'varve.durable-offsets'))
    const ran = await run(['tail', 'x', '-n', '5', '-o', 'json', '--data', data])
    t.same(
      ran.json().map(one => one['value']),
      ['new 5', 'new 6', 'new 7', 'new 8', 'new 9'],
      ran.stderr,
    )
  },
)

/** A line of ours as the expected files have it: header names in base64, long bytes as length and digest. */
function asExpected(line: Record<string, unknown>): ExpectedRecord {
  const record = line as unknown as ExpectedRecord
  return ordered({
    ...record,
    key: shortened(record.key),
    value: shortened(record.value),
    headers: record.headers.map(([key, value]) => [Buffer.from(key).toString('base64'), value]),
  })
}

function ordered({
  offset,
  timestamp,
  timestampType,
  leaderEpoch,
  key,
  value,
  headers,
}: ExpectedRecord): ExpectedRecord {
  return { offset, timestamp, timestampType, leaderEpoch, key, value, headers }
}

function shortened(value: ExpectedBytes): ExpectedBytes {
  if (typeof value !== 'string') return value
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length <= 512) return value
  return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(name => String(name))
    .sort()
    .map(name => `${name} ${statSync(join(folder, name)).mtimeMs} ${statSync(join(folder, name)).size}`)
}
