import type { Codec } from './codec.ts'
import { corruptData, tooLarge } from './errors.ts'
import { decodeElements, readPreamble } from './snappy-block.ts'

/*
 * xerial framing, which Kafka's own clients write: a header of 16 bytes (magic, version, oldest reader that understands it),
 * then blocks with their size as an int32 in front. Some clients (@platformatic/kafka) write one raw block instead.
 * Source: xerial/snappy-java, SnappyOutputStream.
 */

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const VERSION = 1
const HEADER_SIZE = 16
const BLOCK_BYTES = 32 * 1024

/** Loads the compressor. Decompression is this package's own. */
export async function loadSnappy(): Promise<Codec> {
  const { default: snappyjs } = await import('snappyjs')
  return {
    name: 'snappy',
    compress: bytes => compress(bytes, block => snappyjs.compress(block)),
    decompress(bytes, max) {
      return isXerial(bytes, 0) ? decompressXerial(bytes, max) : decompressRaw(bytes, max)
    },
  }
}

function isXerial(bytes: Buffer, at: number): boolean {
  return (
    bytes.length - at >= HEADER_SIZE && bytes.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) === 0
  )
}

function compress(bytes: Uint8Array, compressBlock: (bytes: Uint8Array) => Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  MAGIC.copy(header)
  header.writeInt32BE(VERSION, 8)
  header.writeInt32BE(VERSION, 12)
  const parts: Uint8Array[] = [header]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = compressBlock(bytes.subarray(at, at + BLOCK_BYTES))
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

function decompressRaw(bytes: Buffer, max: number): Buffer {
  const { size, at } = readPreamble(bytes, 0, bytes.length, max)
  const out = Buffer.allocUnsafe(size)
  decodeElements(bytes, { at, end: bytes.length }, out, { at: 0, end: size })
  return out
}

function decompressXerial(bytes: Buffer, max: number): Buffer {
  let total = 0
  for (let at = nextBlock(bytes, 0); at < bytes.length; at = nextBlock(bytes, at)) {
    const end = blockEnd(bytes, at)
    total += readPreamble(bytes, at + 4, end, max).size
    if (total > max) throw tooLarge('snappy', max, total)
    at = end
  }
  const out = Buffer.allocUnsafe(total)
  let to = 0
  for (let at = nextBlock(bytes, 0); at < bytes.length; at = nextBlock(bytes, at)) {
    const end = blockEnd(bytes, at)
    const preamble = readPreamble(bytes, at + 4, end, max)
    decodeElements(bytes, { at: preamble.at, end }, out, { at: to, end: to + preamble.size })
    to += preamble.size
    at = end
  }
  return out
}

/** Where the next block's size lies: behind a header, if one stands here, since streams may be concatenated. */
function nextBlock(bytes: Buffer, at: number): number {
  while (isXerial(bytes, at)) at += HEADER_SIZE
  return at
}

/** Where the block whose size field is at `at` ends. */
function blockEnd(bytes: Buffer, at: number): number {
  const rest = bytes.length - at - 4
  const size = rest < 0 ? -1 : bytes.readInt32BE(at)
  if (size <= 0 || size > rest) throw corruptData('snappy', 'a block is cut short', { position: at })
  return at + 4 + size
}
