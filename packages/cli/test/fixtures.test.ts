import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expectedRecords, fixture, type ExpectedBytes, type ExpectedRecord } from '@varve/testkit'
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
