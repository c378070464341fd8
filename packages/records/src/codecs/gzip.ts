import { gunzipSync, gzipSync } from 'node:zlib'
import type { Codec } from './codec.ts'
import { corruptData, tooLarge } from './errors.ts'

const CHUNK_BYTES_MIN = 1024
const CHUNK_BYTES_MAX = 256 * 1024

/** What `gunzipSync` gives with `info: true`; its types know nothing of it. */
interface Inflated {
  buffer: Buffer
  engine: { bytesWritten: number }
}

/** gzip by `node:zlib`, several members in a row included. */
export const gzip: Codec = {
  name: 'gzip',

  compress(bytes, level) {
    return level === undefined ? gzipSync(bytes) : gzipSync(bytes, { level })
  },

  decompress(bytes, max) {
    // Output is collected in chunks of this size: no larger than what may come out, or than is likely to.
    const likely = Math.min(Math.max(bytes.length * 4, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX)
    const chunkSize = Math.max(Math.min(likely, max), 64)
    let inflated: Inflated
    try {
      const options = { maxOutputLength: Math.max(max, 1), chunkSize, info: true }
      inflated = gunzipSync(bytes, options) as unknown as Inflated
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
        throw tooLarge('gzip', max)
      throw corruptData('gzip', 'zlib cannot read it', { cause: error })
    }
    if (inflated.buffer.length > max) throw tooLarge('gzip', max, inflated.buffer.length)
    // zlib ignores what follows the last member; Kafka writes nothing there.
    const used = inflated.engine.bytesWritten
    if (used !== bytes.length) throw corruptData('gzip', 'something follows its end', { position: used })
    return inflated.buffer
  },
}
