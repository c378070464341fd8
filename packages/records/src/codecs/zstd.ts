import * as zlib from 'node:zlib'
import type { Codec } from './codec.ts'
import { corruptData, tooLarge, wrongSize } from './errors.ts'
import { readFrame } from './zstd-frame.ts'

/** The part of `node:zlib` that Node has from 22.15 on. */
interface ZlibWithZstd {
  zstdCompressSync?: (bytes: Uint8Array, options?: { params: Record<number, number> }) => Buffer
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer
}

/** `ZSTD_c_compressionLevel` of zstd.h, which Node's parameters are named after. */
const ZSTD_COMPRESSION_LEVEL = 100

/** One frame in each direction; `capacity` is the most that comes out. */
interface ZstdBuild {
  compress(bytes: Uint8Array, level?: number): Uint8Array
  decompressFrame(frame: Buffer, capacity: number): Uint8Array
}

/** Node's own zstd, `undefined` below Node 22.15. */
export function nativeZstd(): ZstdBuild | undefined {
  const { zstdCompressSync, zstdDecompressSync } = zlib as ZlibWithZstd
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined
  return {
    compress: (bytes, level) =>
      level === undefined
        ? zstdCompressSync(bytes)
        : zstdCompressSync(bytes, { params: { [ZSTD_COMPRESSION_LEVEL]: level } }),
    decompressFrame: (frame, capacity) =>
      zstdDecompressSync(frame, { maxOutputLength: Math.max(capacity, 1) }),
  }
}

let initialised: Promise<ZstdBuild> | undefined

/** The library for older Nodes. */
export function wasmZstd(): Promise<ZstdBuild> {
  // Once for the process: a second init would put another memory under the functions of the first.
  initialised ??= import('@bokuweb/zstd-wasm').then(async zstd => {
    await zstd.init()
    return {
      compress: (bytes, level) => zstd.compress(bytes, level),
      decompressFrame: (frame, capacity) => zstd.decompress(frame, { defaultHeapSize: capacity }),
    }
  })
  return initialised
}

/** zstd by `node:zlib` where it has it, else by @bokuweb/zstd-wasm. */
export async function loadZstd(): Promise<Codec> {
  return zstdBy(nativeZstd() ?? (await wasmZstd()))
}

/** The codec on one of the two builds. */
export function zstdBy(build: ZstdBuild): Codec {
  return {
    name: 'zstd',
    compress(bytes, level) {
      const packed = build.compress(bytes, level)
      return Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
    },
    decompress: (bytes, max) => decompress(bytes, max, build),
  }
}

/** Frame by frame: Node's function ends silently behind the first one, and the library takes its size for all. */
function decompress(bytes: Buffer, max: number, build: ZstdBuild): Buffer {
  let least = 0
  for (let at = 0; at < bytes.length || at === 0;) {
    const frame = readFrame(bytes, at)
    least += frame.contentSize ?? 0
    if (least > max) throw tooLarge('zstd', max, least)
    at = frame.end
  }
  const parts: Buffer[] = []
  let total = 0
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes, at)
    at = frame.end
    if (frame.skippable) continue
    const part = decompressFrame(bytes.subarray(frame.at, frame.end), frame, max - total, build)
    total += part.length
    if (total > max) throw tooLarge('zstd', max, total)
    if (part.length > 0) parts.push(part)
  }
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
}

function decompressFrame(
  bytes: Buffer,
  frame: { contentSize: number | undefined; bound: number },
  left: number,
  build: ZstdBuild,
): Buffer {
  const wanted = frame.contentSize
  // A content size above what the blocks can hold is a lie, which the library would allocate for.
  if (wanted !== undefined && wanted > frame.bound) throw wrongSize('zstd', wanted, frame.bound)
  const capacity = Math.min(wanted ?? frame.bound, left)
  let out: Uint8Array
  try {
    out = build.decompressFrame(bytes, capacity)
  } catch (cause) {
    // The bound is loose, so it may lie above the limit where the content does not: the decoder has to find out.
    if (ranOutOfRoom(cause) && capacity < frame.bound) throw tooLarge('zstd', left)
    throw corruptData('zstd', 'the decoder refused a frame', { cause })
  }
  if (wanted !== undefined && out.length !== wanted) throw wrongSize('zstd', wanted, out.length)
  return Buffer.from(out.buffer, out.byteOffset, out.byteLength)
}

/** Node's code, or error -70 (destination too small) of the library. */
function ranOutOfRoom(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') || error.message.endsWith('-70')
}
