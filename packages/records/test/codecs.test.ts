import { randomInt } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import snappyjs from 'snappyjs'
import t from 'tap'
import xxhash from 'xxhash-wasm'
import { nativeZstd, wasmZstd, zstdBy } from '../src/codecs/zstd.ts'
import { CODEC_NAMES, loadCodec, loadedCodec, type Codec, type CodecName } from '../src/index.ts'

const seed = Number(process.env['SEED'] ?? randomInt(0x7fff_ffff))
t.comment(`SEED=${seed}`)
fc.configureGlobal({ seed, numRuns: 60 })

const MAX = 1024 * 1024

t.test('a codec that was not loaded says what to do; loading is once for all', async t => {
  t.throws(() => loadedCodec('snappy'), { code: 'UNSUPPORTED_CODEC', message: /loadCodec\('snappy'\)/ })
  const [one, two] = await Promise.all([loadCodec('snappy'), loadCodec('snappy')])
  t.equal(one, two)
  t.equal(loadedCodec('snappy'), one)
  const plain = Buffer.from('plain')
  t.strictSame((await loadCodec('none')).decompress(plain, MAX), plain)
  t.strictSame(loadedCodec('none').compress(plain), plain)
})

/** Data of all kinds: noise, text that repeats, and long runs. */
const data = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 3000 }).map(array => Buffer.from(array)),
      fc
        .tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.nat(4000))
        .map(([s, n]) => Buffer.from(s.repeat(n))),
      fc.tuple(fc.nat(255), fc.nat(200_000)).map(([byte, size]) => Buffer.alloc(size, byte)),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map(parts => Buffer.concat(parts))

/** Every codec here, and both builds of zstd where there are two. */
async function codecs(): Promise<Map<string, Codec>> {
  const all = new Map<string, Codec>()
  for (const name of CODEC_NAMES) if (name !== 'none') all.set(name, await loadCodec(name))
  all.set('zstd (wasm)', zstdBy(await wasmZstd()))
  const native = nativeZstd()
  if (native !== undefined) all.set('zstd (node)', zstdBy(native))
  return all
}

t.test('every codec gives back what it took, at exactly the limit and not one byte below', async t => {
  for (const [name, codec] of await codecs()) {
    fc.assert(
      fc.property(data, plain => {
        const packed = codec.compress(plain)
        const out = codec.decompress(packed, plain.length)
        if (plain.length === 0) return out.length === 0
        let refused = ''
        try {
          codec.decompress(packed, plain.length - 1)
        } catch (error) {
          refused = (error as { code: string }).code
        }
        return out.equals(plain) && refused === 'TOO_LARGE'
      }),
    )
    t.pass(name)
  }
})

t.test('several streams in a row are one', async t => {
  const parts = ['first', 'x'.repeat(100_000), 'third'].map(text => Buffer.from(text))
  const wanted = Buffer.concat(parts)
  for (const [name, codec] of await codecs()) {
    const packed = Buffer.concat(parts.map(part => codec.compress(part)))
    t.ok(codec.decompress(packed, wanted.length).equals(wanted), name)
    t.throws(() => codec.decompress(packed, wanted.length - 1), { code: 'TOO_LARGE' }, name)
  }
})

t.test('frames to be skipped are skipped', async t => {
  const skipped = Buffer.from('502a4d18040000000badcafe', 'hex')
  for (const name of ['lz4', 'zstd', 'zstd (wasm)']) {
    const codec = (await codecs()).get(name)
    const packed = codec?.compress(Buffer.from('content')) ?? Buffer.alloc(0)
    t.equal(codec?.decompress(Buffer.concat([skipped, packed, skipped]), 100).toString(), 'content', name)
  }
})

t.test('something else behind the data is damage', async t => {
  for (const [name, codec] of await codecs()) {
    const packed = codec.compress(Buffer.from('some text, some text'))
    t.throws(
      () => codec.decompress(Buffer.concat([packed, Buffer.alloc(9)]), MAX),
      { code: 'CORRUPT_MESSAGE' },
      name,
    )
    t.throws(
      () => codec.decompress(Buffer.alloc(0), MAX),
      { code: 'CORRUPT_MESSAGE' },
      `${name}, nothing at all`,
    )
  }
})

/** Bytes outside JavaScript's heap that are in use. */
function memoryUsed(): number {
  const { external, arrayBuffers } = process.memoryUsage()
  return external + arrayBuffers
}

t.test('bombs are refused before what they hold is allocated', async t => {
  const huge = Buffer.alloc(200 * 1024 * 1024)
  const bombs: [string, Buffer][] = []
  for (const [name, codec] of await codecs()) {
    const plain = name === 'snappy' ? huge.subarray(0, 20 * 1024 * 1024) : huge
    bombs.push([name, name === 'gzip' ? gzipSync(plain, { level: 1 }) : codec.compress(plain)])
  }
  // zstd as Kafka writes it, without a size: only the decoder finds out. 1,600 runs of 128 KiB.
  const run = Buffer.from([((128 * 1024) << 3) | 2, (128 * 1024) >> 5, (128 * 1024) >> 13, 0])
  const last = Buffer.from([1, 0, 0])
  const runs = [Buffer.from('28b52ffd0070', 'hex'), ...Array.from({ length: 1600 }, () => run), last]
  bombs.push(['zstd', Buffer.concat(runs)], ['zstd (wasm)', Buffer.concat(runs)])
  for (const [name, bomb] of bombs) {
    const codec = (await codecs()).get(name)
    const before = memoryUsed()
    t.throws(() => codec?.decompress(bomb, MAX), { code: 'TOO_LARGE', context: { max: MAX } }, name)
    const grown = memoryUsed() - before
    t.ok(grown < 4 * MAX + 2 * bomb.length, `${name}: ${bomb.length} bytes took ${grown}`)
  }
})

t.test('a size that is a lie is found before memory is spent on it', async t => {
  const snappy = await loadCodec('snappy')
  const lie = Buffer.from([0xff, 0xff, 0xff, 0x07, 0x04, 0x61, 0x62])
  t.throws(() => snappy.decompress(lie, 2 ** 31), { code: 'CORRUPT_MESSAGE' })
  const underfilled = Buffer.from([100, 0x10, 0x61, 0x62, 0x63, 0x64, 0x65])
  t.equal(snappyjs.uncompress(underfilled).length, 100, 'snappyjs fills up with zeros')
  t.throws(() => snappy.decompress(underfilled, 1000), { code: 'CORRUPT_MESSAGE' })
  // A zstd frame of one raw block of a byte that says it holds 2^28.
  const frame = Buffer.from('28b52ffda0000000100900006100'.slice(0, -2), 'hex')
  for (const [name, codec] of await codecs()) {
    if (name.startsWith('zstd'))
      t.throws(() => codec.decompress(frame, 2 ** 30), { code: 'CORRUPT_MESSAGE' }, name)
  }
})

t.test('snappy reads raw blocks and every kind of element', async t => {
  const snappy = await loadCodec('snappy')
  const text = Buffer.from('a raw block, as some clients send it, send it, send it')
  t.ok(snappy.decompress(Buffer.from(snappyjs.compress(text)), 100).equals(text))
  t.equal(snappy.compress(text).subarray(0, 16).toString('hex'), '82534e41505059000000000100000001')
  const literal = Buffer.alloc(300, 'q')
  const block = Buffer.concat([
    Buffer.from([0xc0, 0x02 + 0x01]), // 448: 300 + 4 + 64 + 64 + 16
    Buffer.from([0xf4, 0x2b, 0x01]), // literal, its size in two bytes
    literal,
    Buffer.from([0x01, 0x05]), // copy of 4, offset in 11 bits
    Buffer.from([0xfe, 0x2c, 0x01]), // copy of 64, offset in 2 bytes
    Buffer.from([0xff, 0x01, 0x00, 0x00, 0x00]), // copy of 64, offset in 4 bytes: overlaps itself
    Buffer.from([0x3c]), // literal of 16
    Buffer.alloc(16, 'z'),
  ])
  t.equal(snappy.decompress(block, 1000).toString(), `${'q'.repeat(432)}${'z'.repeat(16)}`)
  for (const [what, hex] of Object.entries({
    'an offset of 0': '05001a0100',
    'an offset before the beginning': '0500610105',
    'a literal past the end': '050861',
    'more than promised': '01046162',
    'an element cut short': '0500610e',
    'a preamble of six bytes': 'ffffffffff01',
    'a preamble cut short': '80',
  })) {
    t.throws(() => snappy.decompress(Buffer.from(hex, 'hex'), 1000), { code: 'CORRUPT_MESSAGE' }, what)
  }
})

/** A small LZ4 compressor that reaches back over blocks, and says so in its frame. */
class LinkedFrames {
  readonly hash: (bytes: Uint8Array) => number

  constructor(hash: (bytes: Uint8Array) => number) {
    this.hash = hash
  }

  frame(plain: Buffer, options: { blockBytes: number; flags: number }): Buffer {
    const { blockBytes, flags } = options
    const contentSize = Buffer.alloc((flags & 0x08) === 0 ? 0 : 8)
    if (contentSize.length > 0) contentSize.writeUInt32LE(plain.length)
    const descriptor = Buffer.concat([Buffer.from([flags, 0x40]), contentSize])
    const parts: Uint8Array[] = [
      Buffer.from('04224d18', 'hex'),
      descriptor,
      Buffer.from([this.hash(descriptor) >>> 8]),
    ]
    for (let at = 0; at < plain.length; at += blockBytes) {
      const block = this.block(plain, at, Math.min(at + blockBytes, plain.length))
      parts.push(this.uint32(block.length), block)
      if ((flags & 0x10) !== 0) parts.push(this.uint32(this.hash(block)))
    }
    parts.push(this.uint32(0))
    if ((flags & 0x04) !== 0) parts.push(this.uint32(this.hash(plain)))
    return Buffer.concat(parts)
  }

  uint32(value: number): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value >>> 0)
    return bytes
  }

  /** Greedy: looks four bytes back into all that came before, also in earlier blocks. */
  private block(plain: Buffer, start: number, end: number): Buffer {
    const parts: Uint8Array[] = []
    let anchor = start
    let at = start
    while (at + 12 < end) {
      const from = plain.lastIndexOf(plain.subarray(at, at + 4), at - 1)
      if (at === 0 || from < 0 || at - from > 0xffff) {
        at++
        continue
      }
      let size = 4
      while (at + size < end - 5 && plain[from + size] === plain[at + size]) size++
      parts.push(this.sequence(plain.subarray(anchor, at), at - from, size))
      at += size
      anchor = at
    }
    parts.push(this.sequence(plain.subarray(anchor, end)))
    return Buffer.concat(parts)
  }

  private sequence(literals: Buffer, offset = 0, size = 4): Buffer {
    const token = (Math.min(literals.length, 15) << 4) | Math.min(size - 4, 15)
    const parts = [Buffer.from([token]), this.more(literals.length), literals]
    if (offset > 0) parts.push(Buffer.from([offset & 0xff, offset >>> 8]), this.more(size - 4))
    return Buffer.concat(parts)
  }

  private more(size: number): Buffer {
    if (size < 15) return Buffer.alloc(0)
    const rest = size - 15
    return Buffer.from([...Array.from({ length: Math.floor(rest / 255) }, () => 255), rest % 255])
  }
}

t.test('lz4 reads linked and independent blocks, with and without checksums and sizes', async t => {
  const lz4 = await loadCodec('lz4')
  const hasher = await xxhash()
  const frames = new LinkedFrames(bytes => hasher.h32Raw(bytes) >>> 0)
  const text = Buffer.from(
    Array.from({ length: 400 }, (_, i) => `record ${i % 37} of a log that repeats itself; `).join(''),
  )
  for (const optional of [0, 0x10, 0x08, 0x04, 0x1c]) {
    const frame = frames.frame(text, { blockBytes: 1000, flags: 0x40 | optional })
    t.ok(frame.length < text.length / 3, 'blocks reach back over their beginning')
    t.ok(lz4.decompress(frame, text.length).equals(text), `flags ${optional}`)
    t.throws(() => lz4.decompress(frame, text.length - 1), { code: 'TOO_LARGE' })
    const independent = frames.frame(text.subarray(0, 900), { blockBytes: 1000, flags: 0x60 | optional })
    t.ok(lz4.decompress(independent, 900).equals(text.subarray(0, 900)))
    const claimed = frames.frame(text, { blockBytes: 1000, flags: 0x60 })
    t.throws(
      () => lz4.decompress(claimed, text.length),
      { code: 'CORRUPT_MESSAGE' },
      'linked, but says independent',
    )
  }
  fc.assert(
    fc.property(data, fc.constantFrom(100, 5000, 65_536), (plain, blockBytes) => {
      const some = plain.subarray(0, 20_000)
      return lz4.decompress(frames.frame(some, { blockBytes, flags: 0x54 }), 20_000).equals(some)
    }),
    { numRuns: 30 },
  )
})

t.test('lz4 notices when a checksum, a size or a version is wrong', async t => {
  const lz4 = await loadCodec('lz4')
  const hasher = await xxhash()
  const frames = new LinkedFrames(bytes => hasher.h32Raw(bytes) >>> 0)
  const plain = Buffer.from('checked, checked, checked and checked again')
  const frame = frames.frame(plain, { blockBytes: 1000, flags: 0x7c })
  t.ok(lz4.decompress(frame, 1000).equals(plain))
  for (const at of [4, 5, 6, 14, frame.length - 1, frame.length - 9, frame.length - 15, 8]) {
    const flipped = Buffer.from(frame)
    flipped[at] = (flipped[at] ?? 0) ^ 0x10
    t.throws(() => lz4.decompress(flipped, 100_000), { code: 'CORRUPT_MESSAGE' }, `byte ${at}`)
  }
  const header = (flags: number, bd: number): Buffer => {
    const bytes = Buffer.from([4, 0x22, 0x4d, 0x18, flags, bd, 0, 0, 0, 0, 0])
    bytes[6] = hasher.h32Raw(bytes.subarray(4, 6)) >>> 8
    return bytes
  }
  t.equal(lz4.decompress(header(0x60, 0x40), 0).length, 0)
  t.equal(header(0x60, 0x40)[6], 0x82, "as in Kafka's frames")
  for (const [flags, bd] of [
    [0xa0, 0x40],
    [0x62, 0x40],
    [0x61, 0x40],
    [0x60, 0x30],
  ] as const) {
    t.throws(() => lz4.decompress(header(flags, bd), 0), { code: 'CORRUPT_MESSAGE' })
  }
  // A stored block larger than the frame's blocks may be.
  const oversize = Buffer.concat([
    header(0x60, 0x40).subarray(0, 7),
    frames.uint32(0x8001_0001),
    Buffer.alloc(0x1_0001),
    Buffer.alloc(4),
  ])
  t.throws(() => lz4.decompress(oversize, MAX), { code: 'CORRUPT_MESSAGE' })
})

t.test("zstd's two builds read each other", async t => {
  const wasm = zstdBy(await wasmZstd())
  const native = nativeZstd()
  if (native === undefined) {
    t.pass('this Node has no zstd of its own')
    return
  }
  const node = zstdBy(native)
  const plain = Buffer.from('both, '.repeat(50_000))
  t.ok(wasm.decompress(node.compress(plain), plain.length).equals(plain))
  t.ok(node.decompress(wasm.compress(plain), plain.length).equals(plain))
})

t.test('loading fails for a name that is none', async t => {
  await t.rejects(loadCodec('brotli' as CodecName), { code: 'UNSUPPORTED_CODEC' })
})
