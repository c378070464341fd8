import {
  checkBatch,
  checkBatchHeader,
  checkRecords,
  codecOf,
  isControl,
  isTransactional,
  loadCodec,
  readAttributes,
  readLastOffsetDelta,
  readMaxTimestamp,
  readRecordsCount,
  type CodecName,
} from '@varve/records'
import { isVarveError, limits } from '@varve/platform'
import { kafkaError } from '../errors.ts'

const loaded = new Set<CodecName>(['none'])

/** The codecs that `batches` need and that are not there yet; loading is the only reason to wait. */
export function missingCodecs(batches: Buffer): CodecName[] {
  const missing = new Set<CodecName>()
  for (let at = 0; at < batches.length; at += checkBatchHeader(batches, at)) {
    checkBatchHeader(batches, at)
    const codec = codecOf(readAttributes(batches, at))
    if (!loaded.has(codec)) missing.add(codec)
  }
  return [...missing]
}

export async function loadCodecs(codecs: readonly CodecName[]): Promise<void> {
  for (const codec of codecs) {
    await loadCodec(codec)
    loaded.add(codec)
  }
}

/**
 * What a broker demands of a client's batches, record by record. The checksum is compared when they are appended.
 *
 * @returns the oldest of the batches' largest timestamps; -1 where there is none
 * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `UNSUPPORTED_VERSION`, `MESSAGE_TOO_LARGE`
 */
export function checkClientBatches(batches: Buffer, options: { topic: string; keyed: boolean }): number {
  let oldest = Infinity
  for (let at = 0; at < batches.length;) {
    const size = checkBatchHeader(batches, at)
    checkOrigin(batches, at, options.topic)
    try {
      checkRecords(batches, at, {
        withoutGaps: true,
        keyed: options.keyed,
        maxBytes: limits.decompressedBytesMax.value,
      })
    } catch (error) {
      // Damaged bytes seldom make sense as records: say that they are damaged rather than what they seem to say.
      checkBatch(batches, at)
      throw error
    }
    oldest = Math.min(oldest, readMaxTimestamp(batches, at))
    at += size
  }
  return oldest === Infinity ? -1 : oldest
}

function checkOrigin(batches: Buffer, at: number, topic: string): void {
  const attributes = readAttributes(batches, at)
  const count = readRecordsCount(batches, at)
  const offsets = readLastOffsetDelta(batches, at) + 1
  if (isControl(attributes)) {
    throw kafkaError('INVALID_RECORD', `Control batches for '${topic}' come from brokers only.`, {
      topic,
      position: at,
    })
  }
  if (isTransactional(attributes)) {
    throw kafkaError(
      'UNSUPPORTED_VERSION',
      `The batch for '${topic}' is transactional, which this version does not take yet; use a producer without transactions.`,
      { topic, position: at },
    )
  }
  if (count === 0 || count !== offsets) {
    throw kafkaError(
      'INVALID_RECORD',
      `The batch for '${topic}' holds ${count} records for ${offsets} offsets; a client's batch has one record an offset.`,
      { topic, position: at, wanted: offsets, found: count },
    )
  }
}

/** What came out of a codec was too large: Kafka's code for it. */
export function asClientError(error: unknown, topic: string): unknown {
  if (!isVarveError(error, 'TOO_LARGE')) return error
  return kafkaError('MESSAGE_TOO_LARGE', error.message, { ...error.context, topic }, error)
}
