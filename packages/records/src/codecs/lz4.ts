import type { Codec } from './codec.ts'
import { tooLarge, wrongSize } from './errors.ts'
import { decodeBlock, decodedSize } from './lz4-block.ts'
import { BLOCK_BYTES_MAX_CODES, FrameWalker, LZ4_MAGIC, type XxHash32 } from './lz4-frame.ts'
import { Lz4Wasm } from './lz4-wasm.ts'

/** Kafka's choice: version 1, independent blocks of at most 64 KiB, no checksums of blocks or content. */
const FLG = 0x60
const BD = 0x40
const BLOCK_BYTES = BLOCK_BYTES_MAX_CODES[4] ?? 0
const STORED_BIT = 0x8000_0000

/** Loads lz4-wasm for blocks and xxhash-wasm for the frames' checksums. */
export async function loadLz4(): Promise<Codec> {
  const [{ default: xxhash }, wasm] = await Promise.all([import('xxhash-wasm'), Lz4Wasm.load()])
  const hasher = await xxhash()
  const hash: XxHash32 = bytes => hasher.h32Raw(bytes) >>> 0
  return {
    name: 'lz4',
    compress: bytes => compress(bytes, wasm, hash),
    decompress: (bytes, max) => decompress(bytes, max, wasm, hash),
  }
}

function compress(bytes: Uint8Array, wasm: Lz4Wasm, hash: XxHash32): Buffer {
  const header = Buffer.alloc(7)
  header.writeUInt32LE(LZ4_MAGIC)
  header[4] = FLG
  header[5] = BD
  header[6] = hash(header.subarray(4, 6)) >>> 8
  const parts: Uint8Array[] = [header]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const plain = bytes.subarray(at, at + BLOCK_BYTES)
    const packed = wasm.compress(plain)
    const size = Buffer.allocUnsafe(4)
    const stored = packed.length >= plain.length
    size.writeUInt32LE(stored ? plain.length + STORED_BIT : packed.length)
    parts.push(size, stored ? plain : packed)
  }
  parts.push(Buffer.alloc(4)) // the end mark
  return Buffer.concat(parts)
}

/** Goes through the frames twice: for the size, which is refused when too large, then into memory of exactly that size. */
function decompress(bytes: Buffer, max: number, wasm: Lz4Wasm, hash: XxHash32): Buffer {
  let total = 0
  new FrameWalker(bytes, hash).walk({
    block(block) {
      const left = Math.min(max - total, block.maxBytes)
      const size = block.stored
        ? block.end - block.at
        : decodedSize(bytes, block.at, block.end, block.independent ? 0 : block.frameSize, left)
      total += size
      if (total > max) throw tooLarge('lz4', max)
      return size
    },
  })
  const out = Buffer.allocUnsafe(total)
  let to = 0
  new FrameWalker(bytes, hash).walk({
    block(block) {
      const start = to
      if (block.stored) to += bytes.copy(out, to, block.at, block.end)
      else if (block.independent) {
        const size = decodedSize(bytes, block.at, block.end, 0, block.maxBytes)
        wasm.decompress(bytes.subarray(block.at, block.end), size, out, to)
        to += size
      } else to = decodeBlock(bytes, block.at, block.end, out, to)
      return to - start
    },
    content: size => out.subarray(to - size, to),
  })
  if (to !== total) throw wrongSize('lz4', total, to)
  return out
}
