import { createRequire } from 'node:module'
import plain from 'crc-32/crc32c.js'

let native
try {
  native = createRequire(import.meta.url)('@node-rs/crc32').crc32c
} catch {
  // Optional: without it both sides of every ratio use crc-32.
}

/** The fastest CRC-32C at hand, the same that `@varve/records` uses for whole batches. */
export const checksum = native ?? (bytes => plain.buf(bytes) >>> 0)
export const checksumBuild = native === undefined ? 'crc-32' : '@node-rs/crc32'
