import { limits } from '@varve/platform'
import { codecOf, isControl, readAttributes, recompressBatch, type CodecName } from '@varve/records'
import type { LogConfig } from '../log-config.ts'

/**
 * The codec that a batch is stored with: the topic's own, or its producer's. Control batches stay as they were written,
 * and so does what is in the topic's codec already, whatever its level (LogValidator's in-place assignment).
 */
export function targetCodec(attributes: number, { compressionType }: LogConfig): CodecName {
  const codec = codecOf(attributes)
  return compressionType === 'producer' || isControl(attributes) ? codec : compressionType
}

/**
 * The batch at `at` in its topic's codec, in new memory; `undefined` where it is in it already. Both codecs must have been
 * loaded.
 *
 * @param options.records the batch's records where they are decompressed already
 */
export function recompressed(
  bytes: Buffer,
  at: number,
  { config, records }: { config: LogConfig; records: Buffer | undefined },
): Buffer | undefined {
  const attributes = readAttributes(bytes, at)
  const codec = targetCodec(attributes, config)
  if (codec === codecOf(attributes)) return undefined
  return recompressBatch(bytes, at, {
    codec,
    level: levelOf(codec, config),
    maxBytes: limits.decompressedBytesMax.value,
    ...(records === undefined ? {} : { records }),
  })
}

function levelOf(codec: CodecName, config: LogConfig): number | undefined {
  if (codec === 'gzip') return config.compressionGzipLevel
  if (codec === 'zstd') return config.compressionZstdLevel
  return codec === 'lz4' ? config.compressionLz4Level : undefined
}
