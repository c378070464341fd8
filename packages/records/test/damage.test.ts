import { randomInt } from 'node:crypto'
import { isVarveError } from '@varve/platform'
import fc from 'fast-check'
import t from 'tap'
import { nativeZstd, wasmZstd, zstdBy } from '../src/codecs/zstd.ts'
import {
  BatchWriter,
  checkBatch,
  checkRecords,
  CODEC_NAMES,
  loadCodec,
  patchCrc,
  recordsOf,
  type Codec,
} from '../src/index.ts'
import { writeVarint } from '../src/varint.ts'
import { batchFiles, someBatch } from './fixtures.ts'

const seed = Number(process.env['SEED'] ?? randomInt(0x7fff_ffff))
t.comment(`SEED=${seed}`)
fc.configureGlobal({ seed })

const MAX = 256 * 1024
const CODES = ['CORRUPT_MESSAGE', 'INVALID_RECORD', 'TOO_LARGE', 'UNSUPPORTED_CODEC', 'UNSUPPORTED_VERSION']

t.before(() => Promise.all(CODEC_NAMES.map(loadCodec)))

/** Runs `read` and says whether it refused; any other error than ours is a bug. */
function refuses(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    if (isVarveError(error, ...CODES)) return true
    throw error
  }
}

/** Everything a reader can ask of a batch, its checksum apart. */
function readAll(bytes: Buffer, at = 0): number {
  checkRecords(bytes, at, { maxBytes: MAX })
  let parts = 0
  for (const record of recordsOf(bytes, at, { maxBytes: MAX })) {
    for (const part of [record.key, record.value, record.headers]) if (part !== null) parts++
  }
  return parts
}

t.test('a flipped bit anywhere that the checksum covers is found, with every codec', async t => {
  for (const codec of CODEC_NAMES) {
    const batch = someBatch(4, 30, { codec })
    let missed = 0
    for (let bit = 17 * 8; bit < batch.length * 8; bit++) {
      flip(batch, bit)
      if (!refuses(() => checkBatch(batch, 0))) missed++
      flip(batch, bit)
    }
    t.equal(missed, 0, `${codec}: ${(batch.length - 17) * 8} bits`)
    t.equal(checkBatch(batch, 0), batch.length)
  }
})

function flip(bytes: Buffer, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
}

t.test('damage behind a checksum that fits is refused or read, without a crash or a hang', async t => {
  for (const codec of CODEC_NAMES) {
    const batch = someBatch(20, 40, { codec })
    let refused = 0
    const bits = (batch.length - 61) * 8
    const step = Math.max(1, Math.floor(bits / 500))
    for (let bit = 61 * 8; bit < batch.length * 8; bit += step) {
      flip(batch, bit)
      patchCrc(batch, 0)
      if (refuses(() => checkBatch(batch, 0)) || refuses(() => readAll(batch))) refused++
      flip(batch, bit)
    }
    t.ok(refused > 0, `${codec}: ${refused} refused`)
  }
})

t.test('several bits and whole runs of bytes at once, in each part of a compressed batch', async t => {
  for (const codec of CODEC_NAMES) {
    const batch = someBatch(60, 50, { codec })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(batch.length - 1 - 61), fc.uint8Array({ minLength: 1, maxLength: 6 })), {
          minLength: 1,
          maxLength: 4,
        }),
        changes => {
          const damaged = Buffer.from(batch)
          for (const [at, bytes] of changes) damaged.set(bytes.subarray(0, damaged.length - 61 - at), 61 + at)
          refuses(() => readAll(damaged))
        },
      ),
      { numRuns: 150 },
    )
    t.pass(codec)
  }
})

t.test('a batch cut short at any length is refused', async t => {
  for (const codec of CODEC_NAMES) {
    const batch = someBatch(6, 30, { codec })
    let read = 0
    for (let length = 0; length < batch.length; length++) {
      if (!refuses(() => checkBatch(batch.subarray(0, length), 0))) read++
      if (length < 61) continue
      // Also when the length field follows the cut and the checksum fits.
      const shorter = Buffer.from(batch.subarray(0, length))
      shorter.writeInt32BE(length - 12, 8)
      if (!refuses(() => readAll(shorter))) read++
    }
    t.equal(read, 0, codec)
  }
})

t.test('random bytes are never taken for what a codec wrote, or are read within the limit', async t => {
  const codecs: [string, Codec][] = [['zstd (wasm)', zstdBy(await wasmZstd())]]
  const native = nativeZstd()
  if (native !== undefined) codecs.push(['zstd (node)', zstdBy(native)])
  for (const name of CODEC_NAMES) if (name !== 'none') codecs.push([name, await loadCodec(name)])
  for (const [name, codec] of codecs) {
    const beginnings = [Buffer.alloc(0), codec.compress(Buffer.from('x'.repeat(500))).subarray(0, 16)]
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 300 }), (beginning, rest) => {
        const bytes = Buffer.concat([beginning, rest])
        let out: Buffer | undefined
        refuses(() => (out = codec.decompress(bytes, MAX)))
        return out === undefined || out.length <= MAX
      }),
      { numRuns: 300 },
    )
    t.pass(name)
  }
})

t.test('a count that the bytes cannot hold is refused before anything is made of it', async t => {
  const counts: [string, (batch: Buffer) => void][] = [
    ['too many records', batch => batch.writeInt32BE(0x7fff_ffff, 57)],
    ['one record more', batch => batch.writeInt32BE(4, 57)],
    ['one record fewer', batch => batch.writeInt32BE(2, 57)],
    ['no record', batch => batch.writeInt32BE(0, 57)],
    ['a negative count', batch => batch.writeInt32BE(-1, 57)],
  ]
  for (const codec of CODEC_NAMES) {
    for (const [name, change] of counts) {
      const batch = someBatch(3, 20, { codec })
      change(batch)
      t.ok(
        refuses(() => readAll(batch)),
        `${codec}: ${name}`,
      )
    }
  }
})

/** A batch of one record whose bytes behind the length are `parts`: numbers as varints, buffers as they are. */
function recordOf(...parts: (number | Buffer)[]): Buffer {
  const encoded = parts.map(part => {
    if (typeof part !== 'number') return part
    const bytes = Buffer.alloc(5)
    return bytes.subarray(0, writeVarint(bytes, 0, part))
  })
  const body = Buffer.concat([Buffer.from([0]), ...encoded])
  const length = Buffer.alloc(5)
  const record = Buffer.concat([length.subarray(0, writeVarint(length, 0, body.length)), body])
  const writer = new BatchWriter()
  writer.add(null, null, 1)
  const batch = Buffer.concat([writer.finish().subarray(0, 61), record])
  batch.writeInt32BE(batch.length - 12, 8)
  patchCrc(batch, 0)
  return batch
}

t.test('lengths inside a record are checked against what is left', async t => {
  const hello = Buffer.from('hello')
  readAll(recordOf(0, 0, 5, hello, 5, hello, 1, 5, hello, 5, hello))
  const damaged: Record<string, Buffer> = {
    'a key past the end': recordOf(0, 0, 100, hello, -1, 0),
    'a huge key': recordOf(0, 0, 0x7fff_ffff, hello, -1, 0),
    'a key of -2': recordOf(0, 0, -2, -1, 0),
    'a value past the end': recordOf(0, 0, -1, 6, hello),
    'a value that leaves no room for headers': recordOf(0, 0, -1, 5, hello),
    'a huge value': recordOf(0, 0, -1, 0x7fff_ffff, hello),
    'a value of -2': recordOf(0, 0, -1, -2, 0),
    'headers that are missing': recordOf(0, 0, -1, -1, 2, 0, 0),
    'a huge count of headers': recordOf(0, 0, -1, -1, 0x7fff_ffff, hello),
    'a negative count of headers': recordOf(0, 0, -1, -1, -1),
    'a header without a key': recordOf(0, 0, -1, -1, 1, -1, 0),
    'a header key past the end': recordOf(0, 0, -1, -1, 1, 9, hello, 0),
    'a header value past the end': recordOf(0, 0, -1, -1, 1, 0, 50, hello),
    'a header value of -2': recordOf(0, 0, -1, -1, 1, 0, -2),
    'bytes behind the headers': recordOf(0, 0, -1, -1, 0, hello),
    'an offset beyond the last': recordOf(0, 7, -1, -1, 0),
    'a negative offset': recordOf(0, -1, -1, -1, 0),
    'a record that is too short': recordOf(0, 0, Buffer.alloc(2)),
  }
  for (const [name, batch] of Object.entries(damaged)) {
    t.throws(() => checkRecords(batch, 0), { code: /CORRUPT_MESSAGE|INVALID_RECORD/ }, name)
  }
})

t.test('records from nowhere never crash the reader', async t => {
  const batch = someBatch(1, 200)
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 7, maxLength: 120 }),
      fc.integer({ min: 1, max: 9 }),
      (bytes, count) => {
        const damaged = Buffer.concat([batch.subarray(0, 61), bytes])
        damaged.writeInt32BE(damaged.length - 12, 8)
        damaged.writeInt32BE(count, 57)
        refuses(() => readAll(damaged))
      },
    ),
    { numRuns: 2000 },
  )
  t.pass('2000 of them')
})

t.test('what is decompressed stays below the limit, and the limit is named', async t => {
  for (const codec of CODEC_NAMES) {
    if (codec === 'none') continue
    const batch = someBatch(1, 500_000, { codec })
    t.equal(checkRecords(batch, 0).recordsBytes > 500_000, true)
    t.throws(
      () => recordsOf(batch, 0, { maxBytes: MAX }),
      { code: 'TOO_LARGE', context: { max: MAX } },
      codec,
    )
    t.throws(() => checkRecords(batch, 0, { maxBytes: 0 }), { code: 'TOO_LARGE' }, codec)
  }
})

t.test("bits flipped in Kafka's own files are found where the checksum covers them", async t => {
  const files = batchFiles('clean').filter(({ name, bytes }) => name.endsWith('.log') && bytes.length > 61)
  const flips = fc.tuple(fc.constantFrom(...files), fc.nat(2 ** 30))
  fc.assert(
    fc.property(flips, ([file, at]) => {
      const bytes = Buffer.from(file.bytes.subarray(0, 200_000))
      const position = at % bytes.length
      let start = 0
      while (start + 61 <= bytes.length && start + sizeAt(bytes, start) <= position)
        start += sizeAt(bytes, start)
      if (start + 61 > bytes.length || start + sizeAt(bytes, start) > bytes.length) return true // the piece ends here
      flip(bytes, position * 8 + (at % 8))
      return position - start < 17 || refuses(() => checkBatch(bytes, start))
    }),
    { numRuns: 500 },
  )
  t.pass('500 bits')
})

function sizeAt(bytes: Buffer, at: number): number {
  return 12 + bytes.readInt32BE(at + 8)
}
