import { corruptData } from './errors.ts'

/*
 * An LZ4 block is a row of sequences: a token (literals' size in the upper four bits, match size - 4 in the lower;
 * 15 means that bytes follow which are added, up to one below 255), the literals, two bytes of offset
 * (little-endian), the match's further size bytes. The last sequence ends behind its literals. Source: lz4/lz4,
 * doc/lz4_Block_format.md.
 */

const MATCH_SIZE_MIN = 4

/**
 * How many bytes the block from `at` to `end` decompresses to. Checks every size and offset on the way, so that the
 * decoders can rely on them.
 *
 * @param history bytes before this block's that its matches may reach: 0 for an independent block
 * @param max where it stops counting: a result above it says only "too many"
 * @throws `CORRUPT_MESSAGE`
 */
export function decodedSize(bytes: Buffer, at: number, end: number, history: number, max: number): number {
  let size = 0
  while (at < end) {
    const start = at
    const token = bytes[at++] ?? 0
    let literals = token >>> 4
    if (literals === 15) {
      let byte = 255
      while (byte === 255) {
        if (at >= end) throw cutShort(start)
        byte = bytes[at++] ?? 0
        literals += byte
      }
    }
    at += literals
    size += literals
    if (at > end) throw cutShort(start)
    if (size > max || at === end) return size
    if (at + 2 > end) throw cutShort(start)
    const offset = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    if (offset === 0 || offset > size + history) {
      throw corruptData('lz4', 'a match reaches before the beginning', { position: start })
    }
    let match = (token & 15) + MATCH_SIZE_MIN
    if (match === 15 + MATCH_SIZE_MIN) {
      let byte = 255
      while (byte === 255) {
        if (at >= end) throw cutShort(start)
        byte = bytes[at++] ?? 0
        match += byte
      }
    }
    size += match
    if (size > max) return size
  }
  // A block ends with literals; this one ended with a match, or is empty.
  throw cutShort(end)
}

/** Decompresses a block that `decodedSize` has checked into `out` at `to`; matches may reach back before `to`. */
export function decodeBlock(bytes: Buffer, at: number, end: number, out: Buffer, to: number): number {
  while (at < end) {
    const token = bytes[at++] ?? 0
    let literals = token >>> 4
    if (literals === 15) {
      let byte = 255
      while (byte === 255) {
        byte = bytes[at++] ?? 0
        literals += byte
      }
    }
    if (literals > 32) bytes.copy(out, to, at, at + literals)
    else for (let index = 0; index < literals; index++) out[to + index] = bytes[at + index] ?? 0
    at += literals
    to += literals
    if (at >= end) break
    const offset = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    let match = (token & 15) + MATCH_SIZE_MIN
    if (match === 15 + MATCH_SIZE_MIN) {
      let byte = 255
      while (byte === 255) {
        byte = bytes[at++] ?? 0
        match += byte
      }
    }
    // One byte after the other: where offset < match the copy reads what it has just written.
    for (const stop = to + match; to < stop; to++) out[to] = out[to - offset] ?? 0
  }
  return to
}

function cutShort(position: number): Error {
  return corruptData('lz4', 'a block is cut short', { position })
}
