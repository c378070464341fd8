import { existsSync } from 'node:fs'
import t from 'tap'
import { readBatchHeader, recordsOf, checkBatch } from '@varve/records'
import {
  batchOf,
  compressedBatchOf,
  expectedLines,
  expectedRecords,
  fixture,
  logOf,
  markerBatch,
  numberedRecords,
} from '../src/index.ts'

void t.test('fixtures are where they are said to be', t => {
  for (const name of ['clean', 'unclean', 'snapshot', 'dynamic', 'expected/edge-0.ndjson'])
    t.ok(existsSync(fixture(name)))
  t.equal(expectedRecords('codec-none-0').length, 340)
  t.equal(expectedRecords('rolled-0').length, 4500, 'packed ones as well')
  t.same(expectedRecords('grown-0'), [])
  t.match(expectedLines('batches')[0], {
    file: '__cluster_metadata-0/00000000000000000000.log',
    baseOffset: 0,
  })
  t.throws(() => expectedLines('nothing'), { code: 'ENOENT' })
  t.end()
})

void t.test('a batch is built from a few words', async t => {
  const bytes = batchOf(
    ['a', { key: 'k', value: null, timestamp: 5 }, ...numberedRecords(2, { from: 7, bytes: 30 })],
    {
      baseOffset: 40,
      leaderEpoch: 3,
      producerId: 9,
      producerEpoch: 1,
      baseSequence: 100,
    },
  )
  checkBatch(bytes, 0, bytes.length)
  t.match(readBatchHeader(bytes, 0), {
    baseOffset: 40,
    leaderEpoch: 3,
    producerId: 9,
    producerEpoch: 1,
    baseSequence: 100,
  })
  const seen = Array.from(recordsOf(bytes, 0), record => [
    record.offset,
    record.timestamp,
    record.key?.toString(),
    record.value?.toString(),
  ])
  t.same(seen, [
    [40, 1_000_000_000_000, undefined, 'a'],
    [41, 5, 'k', undefined],
    [42, 1_000_000_000_002, 'key-7', 'value-7-'.padEnd(30, '.')],
    [43, 1_000_000_000_003, 'key-8', 'value-8-'.padEnd(30, '.')],
  ])
  const compressed = await compressedBatchOf(numberedRecords(50), { codec: 'gzip' })
  checkBatch(compressed, 0, compressed.length)
  t.ok(compressed.length < batchOf(numberedRecords(50)).length)
})

void t.test('a log is filled in one line', async t => {
  const appended: [number, string | undefined][] = []
  const log = {
    logStartOffset: 0,
    highWatermark: 0,
    append: async (bytes: Buffer, options: { origin?: string } = {}) => {
      appended.push([readBatchHeader(bytes, 0).producerId, options.origin])
      return { baseOffset: 0, lastOffset: 0 }
    },
    read: async () => ({ bytes: Buffer.alloc(0) }),
    offsetForTimestamp: async () => undefined,
    flush: async () => {},
  }
  const opened = await logOf(
    { log, more: true },
    ['a', 'b'],
    { records: ['c'], producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true },
    markerBatch('commit', { timestamp: 1, producerId: 9, producerEpoch: 0 }),
  )
  t.ok(opened.more)
  t.same(appended, [
    [-1, undefined],
    [9, undefined],
    [9, 'coordinator'],
  ])
})
