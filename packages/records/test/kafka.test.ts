import { createHash } from 'node:crypto'
import t from 'tap'
import {
  checkBatch,
  checkRecords,
  CODEC_NAMES,
  codecOf,
  controlTypeOf,
  isControl,
  isTransactional,
  deleteHorizonOf,
  loadCodec,
  readBatchHeader,
  readControlRecord,
  readLastSequence,
  recordsOf,
  timestampTypeOf,
  writeControlRecord,
  type KafkaRecord,
} from '../src/index.ts'
import { batchFiles, expectedLines, fixtureBytes, writerLike } from './fixtures.ts'

t.before(() => Promise.all(CODEC_NAMES.map(loadCodec)))

/** Each batch of a file: its position and size. */
function* batches(bytes: Buffer): Generator<{ at: number; size: number }> {
  for (let at = 0; at < bytes.length;) {
    const size = checkBatch(bytes, at)
    yield { at, size }
    at += size
  }
}

interface ExpectedRecord {
  offset: number
  [field: string]: unknown
}

interface ExpectedBatch {
  file: string
  position: number
  [field: string]: unknown
}

/** A key or value as `expected/` writes it. */
function content(bytes: Buffer | null): unknown {
  if (bytes === null) return null
  if (bytes.length <= 512) return bytes.toString('base64')
  return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function asExpected(record: KafkaRecord, timestampType: string, leaderEpoch: number): ExpectedRecord {
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    timestampType,
    leaderEpoch,
    key: content(record.key),
    value: content(record.value),
    headers: record.headers.map(header => [
      Buffer.from(header.key).toString('base64'),
      header.value === null ? null : Buffer.from(header.value).toString('base64'),
    ]),
  }
}

for (const directory of ['clean', 'unclean']) {
  t.test(`every record of every topic in ${directory}/ reads as Kafka's consumer saw it`, async t => {
    const partitions = new Map<string, ExpectedRecord[]>()
    for (const { partition, bytes } of batchFiles(directory)) {
      const records: ExpectedRecord[] = partitions.get(partition) ?? []
      partitions.set(partition, records)
      for (const { at } of batches(bytes)) {
        const { attributes, leaderEpoch } = readBatchHeader(bytes, at)
        if (isControl(attributes)) continue
        for (const record of recordsOf(bytes, at)) {
          records.push(asExpected(record, timestampTypeOf(attributes), leaderEpoch))
        }
      }
    }
    let compared = 0
    for (const [partition, found] of partitions) {
      const wanted = expectedLines(partition) as ExpectedRecord[] | undefined
      if (wanted === undefined) continue // internal topics are decoded further up
      // Records below the log start offset are still in the file, where a consumer no longer sees them.
      const first = wanted[0]?.offset ?? 0
      const visible = found.filter(record => record.offset >= first)
      // As text first: comparing 10,000 objects one by one takes seconds.
      if (JSON.stringify(visible) === JSON.stringify(wanted)) t.pass(partition)
      else t.strictSame(visible, wanted, partition)
      compared += wanted.length
    }
    t.ok(compared > 10_000, `${compared} records compared`)
  })
}

t.test("every batch header in clean/ is what Kafka's dump tool printed", async t => {
  const wanted = ((expectedLines('batches') ?? []) as ExpectedBatch[]).sort(byFileAndPosition)
  const found: ExpectedBatch[] = []
  for (const { name, bytes } of batchFiles('clean')) {
    if (name.endsWith('.checkpoint')) continue
    for (const { at, size } of batches(bytes)) {
      const header = readBatchHeader(bytes, at)
      const logAppendTime = timestampTypeOf(header.attributes) === 'LogAppendTime'
      found.push({
        file: name,
        baseOffset: header.baseOffset,
        lastOffset: header.lastOffset,
        count: header.recordsCount,
        baseSequence: header.baseSequence,
        lastSequence: readLastSequence(bytes, at),
        producerId: header.producerId,
        producerEpoch: header.producerEpoch,
        partitionLeaderEpoch: header.leaderEpoch,
        isTransactional: isTransactional(header.attributes),
        isControl: isControl(header.attributes),
        deleteHorizonMs: deleteHorizonOf(bytes, at) ?? null,
        position: at,
        [logAppendTime ? 'LogAppendTime' : 'CreateTime']: header.maxTimestamp,
        size,
        magic: header.magic,
        compresscodec: codecOf(header.attributes),
        crc: header.crc,
        isvalid: true,
      })
    }
  }
  t.ok(found.length > 800, `${found.length} batches compared`)
  found.sort(byFileAndPosition)
  if (JSON.stringify(found) === JSON.stringify(wanted)) t.pass('all the same')
  else t.strictSame(found, wanted)
})

function byFileAndPosition(a: ExpectedBatch, b: ExpectedBatch): number {
  return a.file.localeCompare(b.file) || a.position - b.position
}

t.test('an uncompressed batch encoded again from its records has the same bytes', async t => {
  let count = 0
  let different = 0
  for (const directory of ['clean', 'unclean', 'snapshot', 'dynamic']) {
    for (const { name, bytes } of batchFiles(directory)) {
      for (const { at, size } of batches(bytes)) {
        if (codecOf(readBatchHeader(bytes, at).attributes) !== 'none') continue
        const writer = writerLike(bytes, at)
        const objects = writerLike(bytes, at)
        const reader = recordsOf(bytes, at)
        while (reader.advance()) {
          writer.addFrom(reader)
          objects.addAt(reader.offsetDelta, reader.key, reader.value, reader.createTimestamp, reader.headers)
        }
        count++
        const wanted = bytes.subarray(at, at + size)
        if (writer.finish().equals(wanted) && objects.finish().equals(wanted)) continue
        different++
        t.fail(`${directory}/${name} at ${at} differs`)
      }
    }
  }
  t.equal(different, 0)
  t.ok(count > 1800, `${count} batches encoded again`)
})

t.test("Kafka's compressed batches have the records of the plain ones, also when written by us", async t => {
  for (const codec of CODEC_NAMES) {
    const bytes = fixtureBytes(`clean/codec-${codec}-0/00000000000000000000.log`)
    for (const { at } of batches(bytes)) {
      if (codecOf(readBatchHeader(bytes, at).attributes) !== codec) continue
      const checked = checkRecords(bytes, at)
      const writer = writerLike(bytes, at, { codec })
      const reader = recordsOf(bytes, at)
      while (reader.advance()) writer.addFrom(reader)
      const again = writer.finish()
      t.equal(checkBatch(again, 0), again.length)
      t.strictSame(checkRecords(again, 0), checked)
      t.strictSame(objectsOf(again), objectsOf(bytes.subarray(at)), codec)
    }
  }
})

function objectsOf(batch: Buffer): unknown[] {
  return [...recordsOf(batch)].map(record => asExpected(record, '', 0))
}

t.test('every batch passes the full check, and its timestamps are what its header says', async t => {
  let checked = 0
  for (const directory of ['clean', 'unclean', 'snapshot', 'dynamic']) {
    for (const { bytes } of batchFiles(directory)) {
      for (const { at } of batches(bytes)) {
        checkRecords(bytes, at, { exactMaxTimestamp: true })
        checked++
      }
    }
  }
  t.ok(checked > 1800, `${checked} batches checked`)
})

t.test('control records are decoded, and encoded again to the same bytes', async t => {
  const types = new Map<string, number>()
  const examples = new Map<string, unknown>()
  for (const directory of ['clean', 'snapshot', 'dynamic']) {
    for (const { bytes } of batchFiles(directory)) {
      for (const { at } of batches(bytes)) {
        if (!isControl(readBatchHeader(bytes, at).attributes)) continue
        const reader = recordsOf(bytes, at)
        while (reader.advance()) {
          const record = readControlRecord(reader.key, reader.value)
          types.set(record.type, (types.get(record.type) ?? 0) + 1)
          examples.set(record.type, record)
          const again = writeControlRecord(record)
          if (reader.key?.equals(again.key) !== true) t.fail(`the key of ${record.type} differs`)
          if (reader.value?.equals(again.value ?? Buffer.alloc(0)) !== true)
            t.fail(`the value of ${record.type} differs`)
        }
      }
    }
  }
  t.strictSame([...types.keys()].sort(), [
    'abort',
    'commit',
    'kraftVersion',
    'kraftVoters',
    'leaderChange',
    'snapshotFooter',
    'snapshotHeader',
  ])
  t.match(examples.get('kraftVersion'), { kraftVersion: 1 })
  t.match(examples.get('leaderChange'), { version: 0, leaderId: 1, voters: [{ voterId: 1 }] })
  t.match(examples.get('kraftVoters'), {
    voters: [
      {
        endpoints: [{ name: 'CONTROLLER', host: '127.0.0.1' }],
        kraftVersionFeature: { maxSupportedVersion: 1 },
      },
    ],
  })
})

t.test('a control record of a later Kafka is handed over as it is; a damaged one is refused', async t => {
  const key = Buffer.from([0, 0, 0, 99])
  t.strictSame(readControlRecord(key, Buffer.from('later')), {
    type: 'unknown',
    typeNumber: 99,
    value: Buffer.from('later'),
  })
  t.strictSame(writeControlRecord({ type: 'unknown', typeNumber: 99, value: null }), { key, value: null })
  t.throws(() => controlTypeOf(null), { code: 'CORRUPT_MESSAGE' })
  t.throws(() => controlTypeOf(Buffer.alloc(3)), { code: 'CORRUPT_MESSAGE' })
  const voters = Buffer.from([0, 0, 0, 6])
  for (const value of ['00', '0000', '0000ff', '0000ffffffff0f', '000002', '0000ffffffffffff']) {
    t.throws(() => readControlRecord(voters, Buffer.from(value, 'hex')), { code: 'CORRUPT_MESSAGE' }, value)
  }
})
