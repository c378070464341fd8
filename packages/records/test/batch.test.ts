import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  BatchReader,
  BatchWriter,
  checkBatch,
  checkBatchHeader,
  checkRecords,
  checksumBuild,
  codecNumber,
  codecOf,
  crc32c,
  isControl,
  isTransactional,
  loadCodec,
  patchBaseOffset,
  patchLeaderEpoch,
  patchLogAppendTime,
  patchMaxTimestamp,
  patchProducer,
  patchCrc,
  readBatchHeader,
  readLastOffset,
  readLastSequence,
  recordsOf,
  timestampTypeOf,
  useNativeChecksum,
  type CodecName,
  type HeaderInput,
} from '../src/index.ts'
import { sizeOfLength, sizeOfVarlong, VarintReader, writeVarint, writeVarlong } from '../src/varint.ts'
import { someBatch } from './fixtures.ts'

const seed = Number(process.env['SEED'] ?? randomInt(0x7fff_ffff))
t.comment(`SEED=${seed}`)
fc.configureGlobal({ seed, numRuns: 200 })

const bytes = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array))
const content = fc.oneof(fc.constant(null), bytes, fc.string({ unit: 'binary', maxLength: 120 }))
const timestamp = fc.oneof(
  fc.integer({ min: -1, max: 2_000_000 }),
  fc.integer({ min: 1_000_000_000_000, max: 1_000_000_100_000 }),
  fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
)
const header: fc.Arbitrary<HeaderInput> = fc.record({
  key: fc.string({ unit: 'binary', maxLength: 40 }),
  value: content,
})
const record = fc.record({
  key: content,
  value: content,
  timestamp,
  headers: fc.array(header, { maxLength: 4 }),
  gap: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
  ),
})

function asBytes(from: Uint8Array | string | null | undefined): Buffer | null {
  return from === null || from === undefined ? null : Buffer.from(from)
}

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as CodecName[]) {
  t.test(`what is written with ${codec} is read again, whatever it is`, async () => {
    await loadCodec(codec)
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 12 }),
        fc.nat(2 ** 40),
        (records, baseOffset) => {
          const writer = new BatchWriter({ codec, memory: Buffer.alloc(10) })
          writer.baseOffset = baseOffset
          const wanted: unknown[] = []
          let delta = 0
          for (const { key, value, timestamp, headers, gap } of records) {
            delta += gap
            writer.addAt(delta, key, value, timestamp, headers)
            wanted.push({
              offset: baseOffset + delta,
              timestamp,
              key: asBytes(key),
              value: asBytes(value),
              headers: headers.map(h => ({ key: Buffer.from(h.key).toString(), value: asBytes(h.value) })),
            })
            delta++
          }
          const batch = writer.finish()
          const found = [...recordsOf(batch)].map(({ offset, timestamp, key, value, headers }) => ({
            offset,
            timestamp,
            key,
            value,
            headers,
          }))
          const max = Math.max(...records.map(r => r.timestamp))
          return (
            checkBatch(batch, 0) === batch.length &&
            checkRecords(batch, 0).maxTimestamp === max &&
            readBatchHeader(batch, 0).maxTimestamp === max &&
            JSON.stringify(found) === JSON.stringify(wanted)
          )
        },
      ),
      { numRuns: codec === 'none' ? 300 : 60 },
    )
  })
}

t.test('varints of every width are written, measured and read alike', async t => {
  const buffer = Buffer.alloc(10)
  const edges = [0, 1, -1, 63, -64, 64, -65, 8191, 8192, 2 ** 20, 2 ** 27, 2 ** 28, 2 ** 31 - 1, -(2 ** 31)]
  const wide = [
    2 ** 31,
    2 ** 34,
    2 ** 35 - 1,
    2 ** 48,
    2 ** 52 + 1,
    Number.MAX_SAFE_INTEGER,
    -Number.MAX_SAFE_INTEGER,
  ]
  for (const value of edges) {
    const end = writeVarint(buffer, 0, value)
    t.equal(sizeOfLength(value), end, `${value} takes ${end} bytes`)
    t.equal(new VarintReader(buffer, 0, end).readVarint(), value)
  }
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...edges, ...wide), fc.maxSafeInteger()), value => {
      const end = writeVarlong(buffer, 0, value)
      const reader = new VarintReader(buffer, 0, end)
      return sizeOfVarlong(value) === end && reader.readVarlong() === value && reader.at === end
    }),
  )
  const asHex = (value: number): string => buffer.subarray(0, writeVarlong(buffer, 0, value)).toString('hex')
  t.equal(asHex(150), 'ac02', "as in protobuf's guide")
  t.equal(asHex(-2), '03')
})

t.test('a varint that is too wide, or cut short, is refused', async t => {
  const read = (hex: string, how: 'readVarint' | 'readVarlong'): number => {
    const buffer = Buffer.from(hex, 'hex')
    return new VarintReader(buffer, 0, buffer.length)[how]()
  }
  for (const hex of ['', '80', 'ffffffff', 'ffffffff1f', 'ffffffffff01']) {
    t.throws(() => read(hex, 'readVarint'), { code: 'CORRUPT_MESSAGE' }, hex)
  }
  t.equal(read('ffffffff0f', 'readVarint'), -(2 ** 31))
  for (const hex of ['', '80', 'ffffffffffffffffff', 'ffffffffffffffffff01', 'ffffffffffffffffffff01']) {
    t.throws(() => read(hex, 'readVarlong'), { code: 'CORRUPT_MESSAGE' }, hex)
  }
})

t.test('the native and the plain checksum agree, at every length and in pieces', async t => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, 'the check value of CRC-32C')
  t.teardown(() => useNativeChecksum(true))
  fc.assert(
    fc.property(fc.nat(3000), fc.nat(3000), fc.integer(), (size, cut, fill) => {
      const data = Buffer.alloc(size)
      for (let index = 0; index < size; index++) data[index] = (index * 31 + fill) >>> 3
      useNativeChecksum(true)
      const native = crc32c(data)
      const pieces = crc32c(data.subarray(cut), crc32c(data.subarray(0, cut)))
      useNativeChecksum(false)
      return native === crc32c(data) && pieces === native
    }),
  )
  t.equal(checksumBuild(), 'js', 'switched off')
  useNativeChecksum(true)
  t.match(checksumBuild(), /native|js/)
})

t.test('a batch says in its header what its writer was told', async t => {
  const writer = new BatchWriter()
  Object.assign(writer, {
    baseOffset: 2 ** 40,
    leaderEpoch: 7,
    producerId: 2 ** 33,
    producerEpoch: 3,
    baseSequence: 5,
  })
  writer.transactional = true
  writer.add('k', 'v', 1000)
  writer.add('k', 'v', 900)
  t.equal(writer.count, 2)
  const batch = writer.finish()
  t.equal(writer.size, batch.length)
  t.match(readBatchHeader(batch, 0), {
    baseOffset: 2 ** 40,
    lastOffset: 2 ** 40 + 1,
    leaderEpoch: 7,
    producerId: 2 ** 33,
    producerEpoch: 3,
    baseSequence: 5,
    baseTimestamp: 1000,
    maxTimestamp: 1000,
    recordsCount: 2,
    attributes: 0b1_0000,
  })
  t.equal(readLastSequence(batch, 0), 6)
  t.equal(checkBatch(batch, 0, batch.length, { fromClient: true }), batch.length)
})

t.test('sequences wrap around where Kafka lets them wrap', async t => {
  const writer = new BatchWriter()
  Object.assign(writer, { producerId: 1, producerEpoch: 0, baseSequence: 0x7fff_ffff })
  writer.add(null, 'a', 1)
  writer.add(null, 'b', 1)
  t.equal(readLastSequence(writer.finish(), 0), 0)
})

t.test('patching changes what it says, keeps the rest, and the checksum fits', async t => {
  const batch = someBatch(5)
  const before = readBatchHeader(batch, 0)
  patchBaseOffset(batch, 0, 2 ** 45 + 3)
  patchLeaderEpoch(batch, 0, 12)
  t.equal(checkBatch(batch, 0), batch.length, 'the checksum covers neither')
  t.equal(readLastOffset(batch, 0), 2 ** 45 + 7)
  t.equal(readBatchHeader(batch, 0).crc, before.crc)
  patchMaxTimestamp(batch, 0, 5000)
  t.equal(checkBatch(batch, 0), batch.length)
  patchProducer(batch, 0, { producerId: 9, producerEpoch: 1, baseSequence: 100 })
  t.equal(checkBatch(batch, 0), batch.length)
  t.match(readBatchHeader(batch, 0), {
    producerId: 9,
    producerEpoch: 1,
    baseSequence: 100,
    maxTimestamp: 5000,
  })
  patchLogAppendTime(batch, 0, 777)
  t.equal(checkBatch(batch, 0), batch.length)
  t.equal(timestampTypeOf(readBatchHeader(batch, 0).attributes), 'LogAppendTime')
  const reader = recordsOf(batch)
  while (reader.advance()) t.equal(reader.timestamp, 777, 'the append time is everyone’s')
  t.equal(reader.createTimestamp, 1004, "the producer's own is still to be had")
})

t.test('patches work on a batch in the middle of others', async t => {
  const joined = Buffer.concat([someBatch(2), someBatch(3), someBatch(1)])
  const at = checkBatch(joined, 0)
  patchBaseOffset(joined, at, 2)
  patchLogAppendTime(joined, at, 99)
  const size = checkBatch(joined, at)
  t.equal(checkBatch(joined, at + size) + at + size, joined.length)
  t.strictSame(
    [...recordsOf(joined, at)].map(r => [r.offset, r.timestamp]),
    [
      [2, 99],
      [3, 99],
      [4, 99],
    ],
  )
})

t.test('the short way of writing small records gives the same bytes as the long one', async t => {
  const sizes = [
    0, 1, 3, 15, 16, 17, 52, 53, 54, 55, 56, 57, 62, 63, 64, 65, 100, 7990, 7999, 8000, 8191, 8192, 9000,
  ]
  for (const key of [null, ...[0, 5, 16, 62, 63, 64, 65].map(size => Buffer.alloc(size, 'k'))]) {
    const [short, long] = [new BatchWriter(), new BatchWriter()]
    sizes.forEach((size, index) => {
      const value = Buffer.alloc(size, 'v')
      short.add(key, value, 1000 + index)
      long.addAt(index, key, value, 1000 + index)
    })
    t.ok(short.finish().equals(long.finish()), `a key of ${key?.length} bytes`)
  }
  const [short, long] = [new BatchWriter(), new BatchWriter()]
  const value = Buffer.from('value')
  for (let index = 0; index < 8300; index++) {
    const timestamp = 1000 + ((index * 7) % 70) - 2
    short.add(null, value, timestamp)
    long.addAt(index, null, value, timestamp)
  }
  t.ok(short.finish().equals(long.finish()), 'offsets in one, two and three bytes')
  const limited = new BatchWriter({ maxBytes: 300 })
  while (limited.add(null, value, 1)) t.ok(limited.size <= 300)
  t.ok(limited.count > 15, 'the limit holds')
})

t.test('a delete horizon takes the base timestamp, and the records keep theirs', async t => {
  const writer = new BatchWriter()
  writer.deleteHorizon = 5_000_000
  writer.add('k', null, 1000)
  const batch = writer.finish()
  t.equal(readBatchHeader(batch, 0).baseTimestamp, 5_000_000)
  t.equal([...recordsOf(batch)][0]?.timestamp, 1000)
})

t.test('a batch that compaction emptied keeps its offsets', async t => {
  const writer = new BatchWriter({ codec: 'gzip', memory: Buffer.alloc(3) })
  writer.baseOffset = 40
  writer.lastOffset = 49
  const batch = writer.finish()
  t.equal(checkBatch(batch, 0), 61)
  t.equal(readLastOffset(batch, 0), 49)
  t.strictSame([...recordsOf(batch)], [])
  writer.reset()
  t.throws(() => writer.finish(), { code: 'INVALID_RECORD' }, 'an empty batch without that is a mistake')
})

t.test('a batch takes no more than its limit, but always one record', async t => {
  const writer = new BatchWriter({ maxBytes: 300 })
  t.ok(writer.hasRoomFor(1000), 'the first fits whatever its size')
  t.ok(writer.add(null, Buffer.alloc(1000), 1))
  t.notOk(writer.hasRoomFor(1))
  t.notOk(writer.add(null, 'x', 1))
  t.equal(writer.count, 1)
  writer.reset()
  let taken = 0
  while (writer.append({ key: 'key', value: 'value', timestamp: 5 })) taken++
  t.ok(taken > 10)
  t.ok(writer.finish().length <= 300)
  t.equal(recordsOf(writer.finish()).recordsCount, taken)
})

t.test('bytes that were handed out are not written again, unless they are handed back', async t => {
  const writer = new BatchWriter()
  writer.add(null, 'first', 1)
  const first = writer.finish()
  const copy = Buffer.from(first)
  writer.reset()
  writer.add(null, 'second', 2)
  const second = writer.finish()
  t.ok(first.equals(copy))
  t.not(second.buffer, first.buffer)
  writer.reset(second)
  writer.add(null, 'third', 3)
  t.equal(writer.finish().buffer, second.buffer, 'memory that is handed back is used')
})

t.test('times, offsets and codecs that cannot be are refused, and nothing is written', async t => {
  const writer = new BatchWriter()
  for (const timestamp of [-2, 1.5, NaN, Infinity, -Infinity, 2 ** 53]) {
    t.throws(() => writer.add(null, 'x', timestamp), { code: 'INVALID_TIMESTAMP' }, `${timestamp}`)
  }
  t.equal(writer.count, 0)
  writer.addAt(5, null, 'x', 1)
  for (const delta of [5, 4, -1, 2 ** 31]) {
    t.throws(() => writer.addAt(delta, null, 'x', 1), { code: 'INVALID_RECORD' }, `${delta}`)
  }
  t.equal(writer.count, 1)
  t.throws(() => new BatchWriter({ codec: 'brotli' as CodecName }), { code: 'UNSUPPORTED_CODEC' })
  t.throws(() => codecNumber('brotli' as CodecName), { code: 'UNSUPPORTED_CODEC' })
  t.throws(() => codecOf(7), { code: 'UNSUPPORTED_CODEC' })
  t.equal(codecOf(0b111_1000 | 4), 'zstd')
})

t.test('a compressed batch may be finished before its codec was loaded', async t => {
  const writer = new BatchWriter({ codec: 'gzip', maxBytes: 1000 })
  writer.add('key', 'value '.repeat(50), 1)
  const batch = await writer.finishCompressed()
  t.ok(batch.length < writer.size)
  t.equal([...recordsOf(batch)][0]?.value?.length, 300)
  const plain = new BatchWriter()
  plain.add(null, 'x', 1)
  t.equal(checkRecords(await plain.finishCompressed(), 0).maxTimestamp, 1)
})

t.test('a batch that reaches past the bytes is not read', async t => {
  const batch = someBatch(2)
  t.throws(() => recordsOf(batch.subarray(0, batch.length - 1)), { code: 'CORRUPT_MESSAGE' })
  batch.writeInt32BE(20, 8)
  t.throws(() => recordsOf(batch), { code: 'CORRUPT_MESSAGE' })
})

t.test('a cursor may be used for batch after batch, and go over one again', async t => {
  const reader = new BatchReader()
  for (const count of [3, 1, 7]) {
    reader.open(someBatch(count))
    let seen = 0
    while (reader.advance()) t.equal(reader.offset, seen++)
    t.equal(seen, count)
    t.notOk(reader.advance(), 'the end stays the end')
    reader.rewind()
    t.ok(reader.advance())
    t.equal(reader.key?.toString(), 'key-0')
    t.strictSame(reader.headers, [{ key: 'h', value: Buffer.from('0') }])
  }
})

t.test('records as objects outlive the cursor', async t => {
  const [first, second] = [...recordsOf(someBatch(2, 3))]
  t.equal(first?.key?.toString(), 'key-0')
  t.strictSame(second?.value, Buffer.alloc(3, 1))
  t.strictSame(second?.headers, [{ key: 'h', value: Buffer.from('1') }])
})

t.test('long and non-ASCII strings are written as UTF-8', async t => {
  const texts = [
    '',
    'a',
    'ä',
    'x'.repeat(24),
    'x'.repeat(25),
    'é'.repeat(30),
    '\ud83d\ude00'.repeat(20),
    '\ud800',
    'x'.repeat(9000),
  ]
  const writer = new BatchWriter()
  for (const text of texts) writer.add(text, text, 1, [{ key: text, value: text }, { key: 'none' }])
  const found = [...recordsOf(writer.finish())]
  t.strictSame(
    found.map(r => [r.key, r.value, r.headers]),
    texts.map(text => {
      const wanted = Buffer.from(text, 'utf8')
      return [
        wanted,
        wanted,
        [
          { key: wanted.toString(), value: wanted },
          { key: 'none', value: null },
        ],
      ]
    }),
  )
})

t.test("the check of a client's batch is the broker's", async t => {
  const check = (change: (batch: Buffer) => void): void => {
    const batch = someBatch(3)
    change(batch)
    patchCrc(batch, 0)
    checkBatch(batch, 0, batch.length, { fromClient: true })
  }
  check(() => undefined)
  const rules: Record<string, (batch: Buffer) => void> = {
    'a control batch': batch => batch.writeInt16BE(0b10_0000, 21),
    'transactional without a producer': batch => batch.writeInt16BE(0b1_0000, 21),
    'fewer records than offsets': batch => batch.writeInt32BE(2, 57),
    'no records': batch => batch.writeInt32BE(0, 57),
    'more records than offsets': batch => batch.writeInt32BE(1, 23),
    'a producer id without a sequence': batch => batch.writeBigInt64BE(5n, 43),
    'a negative count': batch => batch.writeInt32BE(-1, 57),
    'a negative timestamp': batch => batch.writeBigInt64BE(-5n, 35),
    'a negative producer id': batch => batch.writeBigInt64BE(-5n, 43),
  }
  for (const [name, change] of Object.entries(rules))
    t.throws(() => check(change), { code: 'INVALID_RECORD' }, name)
  t.throws(() => check(batch => batch.writeInt16BE(6, 21)), { code: 'UNSUPPORTED_CODEC' })
  const control = new BatchWriter()
  control.control = true
  Object.assign(control, { producerId: 1, producerEpoch: 0, transactional: true })
  control.add(Buffer.alloc(4), Buffer.alloc(6), 1)
  const batch = control.finish()
  t.equal(checkBatch(batch, 0), batch.length, "the broker's own control batch is fine")
  t.ok(
    isControl(readBatchHeader(batch, 0).attributes) && isTransactional(readBatchHeader(batch, 0).attributes),
  )
})

t.test('a header that cannot be is told from one that is cut short', async t => {
  const batch = someBatch(2)
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const copy = Buffer.from(batch)
    change(copy)
    return copy
  }
  t.equal(checkBatchHeader(batch, 0), batch.length)
  t.throws(() => checkBatchHeader(batch, 0, 60), { code: 'CORRUPT_MESSAGE' })
  t.throws(() => checkBatchHeader(batch, 0, batch.length - 1), { code: 'CORRUPT_MESSAGE' })
  t.throws(() => checkBatchHeader(batch, batch.length), { code: 'CORRUPT_MESSAGE' })
  t.throws(() => checkBatchHeader(Buffer.alloc(100), 0), { code: 'CORRUPT_MESSAGE' }, 'zeros')
  for (const magic of [0, 1]) {
    t.throws(
      () =>
        checkBatchHeader(
          changed(b => (b[16] = magic)),
          0,
        ),
      { code: 'UNSUPPORTED_VERSION' },
    )
  }
  t.throws(
    () =>
      checkBatchHeader(
        changed(b => (b[16] = 3)),
        0,
      ),
    { code: 'CORRUPT_MESSAGE' },
  )
  t.throws(
    () =>
      checkBatchHeader(
        changed(b => b.writeInt32BE(-5, 8)),
        0,
      ),
    { code: 'CORRUPT_MESSAGE' },
  )
  t.throws(
    () =>
      checkBatchHeader(
        changed(b => b.writeInt32BE(-5, 23)),
        0,
      ),
    { code: 'CORRUPT_MESSAGE' },
  )
  t.throws(
    () =>
      checkBatchHeader(
        changed(b => b.writeBigInt64BE(-5n, 0)),
        0,
      ),
    { code: 'CORRUPT_MESSAGE' },
  )
  t.throws(
    () =>
      checkBatchHeader(
        changed(b => b.writeBigInt64BE(2n ** 60n, 0)),
        0,
      ),
    { code: 'CORRUPT_MESSAGE' },
  )
})

t.test('records are held to the rules of their topic', async t => {
  const gap = new BatchWriter()
  gap.addAt(0, 'k', 'v', 1)
  gap.addAt(3, null, 'v', 9)
  const batch = gap.finish()
  t.strictSame(checkRecords(batch, 0), {
    minTimestamp: 1,
    maxTimestamp: 9,
    offsetOfMaxTimestamp: 3,
    recordsBytes: batch.length - 61,
  })
  t.throws(() => checkRecords(batch, 0, { withoutGaps: true }), { code: 'INVALID_RECORD' })
  t.throws(() => checkRecords(batch, 0, { keyed: true }), { code: 'INVALID_RECORD' })
  t.equal(checkRecords(batch, 0, { exactMaxTimestamp: true }).maxTimestamp, 9)
  patchMaxTimestamp(batch, 0, 8)
  t.equal(checkRecords(batch, 0).maxTimestamp, 9)
  t.throws(() => checkRecords(batch, 0, { exactMaxTimestamp: true }), { code: 'INVALID_RECORD' })
  patchLogAppendTime(batch, 0, 8)
  t.equal(checkRecords(batch, 0, { exactMaxTimestamp: true }).maxTimestamp, 9, 'an append time is no maximum')
  batch.writeBigInt64BE(2n ** 53n - 2n, 27)
  t.throws(() => checkRecords(batch, 0), { code: 'INVALID_RECORD' }, 'a timestamp beyond what a number holds')
  batch.writeInt32BE(2, 23)
  t.throws(() => checkRecords(batch, 0), { code: 'INVALID_RECORD' }, 'an offset beyond the last one')
})
