import { corruptData, tooLarge } from './errors.ts'

/*
 * A raw snappy block: the size as a varint, then elements. The low two bits of an element's first byte are its type:
 *
 *   0  literal   size - 1 in the upper six bits, or, from 60 on, in the 1 to 4 bytes that follow
 *   1  copy      size - 4 in bits 2-4, offset in bits 5-7 and one more byte
 *   2  copy      size - 1 in the upper six bits, offset in two bytes, little-endian
 *   3  copy      the same with four bytes
 *
 * snappyjs reads it too, but takes a block that holds less than it says and fills up with zeros. Source:
 * google/snappy, format_description.txt.
 */

/** The most that one byte of a block can turn into: a copy of 64 bytes takes three. */
const RATIO_MAX = 22

/** The size that a block says it decompresses to, and where its elements begin. */
export interface SnappyPreamble {
  readonly size: number
  readonly at: number
}

/**
 * Reads the size in front of a block and refuses one that the bytes behind it cannot hold.
 *
 * @throws `TOO_LARGE` above `max`, `CORRUPT_MESSAGE`
 */
export function readPreamble(bytes: Buffer, start: number, end: number, max: number): SnappyPreamble {
  let size = 0
  let at = start
  for (let scale = 1; ; scale *= 0x80) {
    const byte = at < end && at - start < 5 ? bytes[at++] : undefined
    if (byte === undefined) throw corruptData('snappy', 'its size is unreadable', { position: start })
    size += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  if (size > max) throw tooLarge('snappy', max, size)
  if (size > (end - at) * RATIO_MAX) {
    throw corruptData('snappy', `${end - at} bytes cannot hold the ${size} that they promise`, {
      position: start,
    })
  }
  return { size, at }
}

/**
 * Decompresses the elements from `at` to `end` into `out`, where they must fill `outStart` to `outEnd` exactly.
 *
 * @throws `CORRUPT_MESSAGE`
 */
export function decodeElements(
  bytes: Buffer,
  range: { at: number; end: number },
  out: Buffer,
  outRange: { at: number; end: number },
): void {
  const { end } = range
  const outStart = outRange.at
  const outEnd = outRange.end
  let at = range.at
  let to = outStart
  while (at < end) {
    const element = at
    const tag = bytes[at++] ?? 0
    if ((tag & 3) === 0) {
      let size = (tag >>> 2) + 1
      if (size > 60) {
        const width = size - 60
        if (at + width > end) throw damaged(element)
        size = bytes.readUIntLE(at, width) + 1
        at += width
      }
      if (at + size > end || to + size > outEnd) throw damaged(element)
      copyLiteral(bytes, at, out, to, size)
      at += size
      to += size
      continue
    }
    const width = (tag & 3) === 3 ? 4 : tag & 3
    if (at + width > end) throw damaged(element)
    let size: number
    let offset: number
    if (width === 1) {
      size = ((tag >>> 2) & 7) + 4
      offset = ((tag >>> 5) << 8) | (bytes[at] ?? 0)
    } else {
      size = (tag >>> 2) + 1
      offset = width === 2 ? bytes.readUInt16LE(at) : bytes.readUInt32LE(at)
    }
    at += width
    if (offset === 0 || offset > to - outStart || to + size > outEnd) throw damaged(element)
    // One byte after the other: where offset < size the copy reads what it has just written.
    for (const stop = to + size; to < stop; to++) out[to] = out[to - offset] ?? 0
  }
  if (to !== outEnd) {
    throw corruptData('snappy', `${to - outStart} bytes came out where ${outEnd - outStart} were promised`, {
      position: end,
    })
  }
}

function copyLiteral(bytes: Buffer, at: number, out: Buffer, to: number, size: number): void {
  if (size > 48) bytes.copy(out, to, at, at + size)
  else for (let index = 0; index < size; index++) out[to + index] = bytes[at + index] ?? 0
}

function damaged(position: number): Error {
  return corruptData('snappy', 'an element reaches past the end or before the beginning', { position })
}
