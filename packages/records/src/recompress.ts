import { codecNumber, codecOf, type CodecName } from './attributes.ts'
import { loadedCodec } from './codecs/codec.ts'
import { decompressedRecords } from './decompress.ts'
import { writeInt16, writeInt32 } from './int64.ts'
import { ATTRIBUTES_AT, BATCH_HEADER_SIZE, BATCH_OVERHEAD, LENGTH_AT, readAttributes } from './layout.ts'
import { patchCrc } from './patch.ts'

const CODEC_MASK = 0b111

export interface RecompressOptions {
  /** Both codecs must have been loaded. */
  readonly codec: CodecName
  /** See `BatchWriterOptions.level`. */
  readonly level?: number | undefined
  /** The batch's records where they are decompressed already. */
  readonly records?: Buffer
  /** Bytes that may come out of the batch's present codec. Default 128 MiB. */
  readonly maxBytes?: number
}

/**
 * The batch at `at` with its records compressed by another codec, in new memory. All else stays as it is: offsets,
 * timestamps, producer, flags and the records' own bytes.
 *
 * @throws `TOO_LARGE`, `CORRUPT_MESSAGE`, `UNSUPPORTED_CODEC`
 */
export function recompressBatch(bytes: Buffer, at: number, options: RecompressOptions): Buffer {
  const { codec, level, records = decompressedRecords(bytes, at, options.maxBytes) } = options
  const attributes = readAttributes(bytes, at)
  codecOf(attributes) // refuses numbers that stand for none
  const packed = codec === 'none' ? records : loadedCodec(codec).compress(records, level)
  const batch = Buffer.allocUnsafe(BATCH_HEADER_SIZE + packed.length)
  bytes.copy(batch, 0, at, at + BATCH_HEADER_SIZE)
  batch.set(packed, BATCH_HEADER_SIZE)
  writeInt32(batch, LENGTH_AT, batch.length - BATCH_OVERHEAD)
  writeInt16(batch, ATTRIBUTES_AT, (attributes & ~CODEC_MASK) | codecNumber(codec))
  patchCrc(batch, 0)
  return batch
}
