import { VarveError } from '@varve/platform'
import { codecOf } from './attributes.ts'
import { loadedCodec } from './codecs/codec.ts'
import { BATCH_HEADER_SIZE, readAttributes, readBatchSize } from './layout.ts'

/** Bytes that the records of one batch may take decompressed where the caller names no limit. */
export const DECOMPRESSED_BYTES_MAX_DEFAULT = 128 * 1024 * 1024

/**
 * The records of the batch at `at`, decompressed: a view where nothing is compressed, new memory otherwise.
 *
 * @param max bytes that may come out; default 128 MiB
 * @throws `TOO_LARGE` before more than `max` are allocated; `CORRUPT_MESSAGE`; `UNSUPPORTED_CODEC` when the codec was
 *   not loaded before (`await loadCodec(name)`)
 */
export function decompressedRecords(bytes: Buffer, at: number, max = DECOMPRESSED_BYTES_MAX_DEFAULT): Buffer {
  const end = at + readBatchSize(bytes, at)
  if (end > bytes.length || end < at + BATCH_HEADER_SIZE) {
    throw new VarveError(
      'CORRUPT_MESSAGE',
      `The batch at position ${at} says it ends at ${end}, but the bytes end at ${bytes.length}.`,
      { context: { position: at, found: end, max: bytes.length } },
    )
  }
  const records = bytes.subarray(at + BATCH_HEADER_SIZE, end)
  const codec = codecOf(readAttributes(bytes, at))
  if (codec === 'none' || records.length === 0) return records
  return loadedCodec(codec).decompress(records, max)
}
