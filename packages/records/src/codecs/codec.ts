import { VarveError } from '@varve/platform'
import { codecNumber, type CodecName } from '../attributes.ts'

/** Compression as Kafka frames it. Both directions are synchronous once the codec is loaded. */
export interface Codec {
  readonly name: CodecName
  /** @param level in the codec's own numbers; what it does not have it passes over */
  compress(bytes: Uint8Array, level?: number): Buffer
  /**
   * @param max bytes that may come out
   * @throws `TOO_LARGE` before more than `max` bytes are allocated, `CORRUPT_MESSAGE`
   */
  decompress(bytes: Buffer, max: number): Buffer
}

const none: Codec = {
  name: 'none',
  compress: bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  decompress: bytes => bytes,
}

const loaded = new Map<CodecName, Codec>([['none', none]])
const loading = new Map<CodecName, Promise<Codec>>()

/**
 * Loads a codec, once for the process. After it resolved, batches of that codec can be read and written synchronously.
 *
 * @throws `UNSUPPORTED_CODEC` when the codec's library cannot be loaded
 */
export async function loadCodec(name: CodecName): Promise<Codec> {
  const ready = loaded.get(name)
  if (ready !== undefined) return ready
  let promise = loading.get(name)
  if (promise === undefined) {
    promise = load(name)
    loading.set(name, promise)
    // A failure is not kept: a later call may find what was missing.
    promise.then(codec => loaded.set(name, codec)).catch(() => loading.delete(name))
  }
  return promise
}

/** Whether `loadCodec` has finished for it. */
export function isCodecLoaded(name: CodecName): boolean {
  return loaded.has(name)
}

/** The codec if `loadCodec` has finished for it. @throws `UNSUPPORTED_CODEC` */
export function loadedCodec(name: CodecName): Codec {
  const codec = loaded.get(name)
  if (codec !== undefined) return codec
  throw new VarveError(
    'UNSUPPORTED_CODEC',
    `The codec ${name} is not loaded yet; await loadCodec('${name}') first.`,
    {
      context: { field: 'codec', found: name },
    },
  )
}

async function load(name: CodecName): Promise<Codec> {
  codecNumber(name) // refuses a name that is none
  try {
    switch (name) {
      case 'gzip':
        return (await import('./gzip.ts')).gzip
      case 'snappy':
        return await (await import('./snappy.ts')).loadSnappy()
      case 'lz4':
        return await (await import('./lz4.ts')).loadLz4()
      case 'zstd':
        return await (await import('./zstd.ts')).loadZstd()
      case 'none':
        return none
    }
  } catch (cause) {
    throw new VarveError(
      'UNSUPPORTED_CODEC',
      `The codec ${name} cannot be loaded; install the package's dependencies again.`,
      { context: { field: 'codec', found: name }, cause },
    )
  }
}
