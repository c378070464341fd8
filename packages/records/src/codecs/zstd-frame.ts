import { corruptData } from './errors.ts'

/*
 * A zstd frame, little-endian: magic 0xFD2FB528; a descriptor byte (bits 6-7 width of the content size, 5 single
 * segment, 2 checksum, 0-1 width of the dictionary id); a window byte unless single segment; dictionary id; content
 * size; blocks with a header of 3 bytes (bit 0 last, 1-2 type: 0 raw, 1 RLE, 2 compressed; the rest is the size);
 * 4 bytes of checksum. Frames 0x184D2A50 to 5F are skipped. Source: RFC 8878.
 *
 * The decoders allocate what a frame says, or guess. Walking over the block headers gives a bound before anything is
 * allocated.
 */

const MAGIC = 0xfd2fb528
const BLOCK_BYTES_MAX = 128 * 1024

/** A frame as a range of the compressed bytes. */
export interface ZstdFrame {
  readonly at: number
  readonly end: number
  /** What it says it holds, `undefined` where it says nothing. */
  readonly contentSize: number | undefined
  /** What its blocks can hold at most. */
  readonly bound: number
  /** To be skipped: no content. */
  readonly skippable: boolean
}

/** The frame that begins at `at`. @throws `CORRUPT_MESSAGE` */
export function readFrame(bytes: Buffer, at: number): ZstdFrame {
  const magic = uint(bytes, at, 4)
  if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
    const end = at + 8 + uint(bytes, at + 4, 4)
    if (end > bytes.length) throw cutShort(at)
    return { at, end, contentSize: 0, bound: 0, skippable: true }
  }
  if (magic !== MAGIC) throw corruptData('zstd', 'no frame begins', { position: at })
  const header = readHeader(bytes, at)
  let position = header.end
  let bound = 0
  for (let last = false; !last;) {
    const block = uint(bytes, position, 3)
    last = (block & 1) === 1
    const type = (block >>> 1) & 3
    const size = block >>> 3
    if (type === 3) throw corruptData('zstd', 'a block is of no known type', { position })
    bound += type === 2 ? header.blockBytesMax : size
    position += 3 + (type === 1 ? 1 : size)
    if (position > bytes.length) throw cutShort(at)
  }
  if (header.checksum) position += 4
  if (position > bytes.length) throw cutShort(at)
  return { at, end: position, contentSize: header.contentSize, bound, skippable: false }
}

interface ZstdHeader {
  readonly end: number
  readonly contentSize: number | undefined
  readonly blockBytesMax: number
  readonly checksum: boolean
}

function readHeader(bytes: Buffer, start: number): ZstdHeader {
  const descriptor = uint(bytes, start + 4, 1)
  const single = (descriptor & 0x20) !== 0
  let at = start + 5
  let window = 0
  if (!single) {
    const code = uint(bytes, at++, 1)
    const base = 2 ** (10 + (code >>> 3))
    window = base + (base / 8) * (code & 7)
  }
  if ((descriptor & 3) !== 0) throw corruptData('zstd', 'a frame needs a dictionary', { position: start })
  const width = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0
  let contentSize: number | undefined
  if (width > 0) {
    // Eight bytes go in two halves; what lies above 2^53 is far above any limit, precise or not.
    const low = uint(bytes, at, Math.min(width, 4))
    contentSize = low + (width === 2 ? 256 : 0) + (width === 8 ? uint(bytes, at + 4, 4) * 2 ** 32 : 0)
    at += width
  }
  const blockBytesMax = Math.min(single ? (contentSize ?? 0) : window, BLOCK_BYTES_MAX)
  return { end: at, contentSize, blockBytesMax, checksum: (descriptor & 4) !== 0 }
}

function uint(bytes: Buffer, at: number, width: number): number {
  if (at + width > bytes.length) throw cutShort(at)
  return bytes.readUIntLE(at, width)
}

function cutShort(position: number): Error {
  return corruptData('zstd', 'a frame is cut short', { position })
}
