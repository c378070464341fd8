import {
  checkBatchHeader,
  isControl,
  isTransactional,
  readAttributes,
  readMaxTimestamp,
  timestampTypeOf,
} from '@varve/records'
import { kafkaError } from '../errors.ts'

/**
 * What a broker demands of clients alone, by the batches' headers. All else, record by record, is checked where the batches
 * are appended: they are decoded and decompressed there, once.
 *
 * @param options.stamps whether the topic's timestamp type is LogAppendTime
 * @returns the oldest of the batches' largest timestamps; -1 where there is none
 * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `INVALID_TIMESTAMP`, `UNSUPPORTED_VERSION`
 */
export function checkClientBatches(
  batches: Buffer,
  { topic, stamps }: { topic: string; stamps: boolean },
): number {
  let oldest = Infinity
  for (let at = 0; at < batches.length;) {
    const size = checkBatchHeader(batches, at)
    checkOrigin(batches, at, topic)
    if (stamps && timestampTypeOf(readAttributes(batches, at)) === 'LogAppendTime')
      throw kafkaError(
        'INVALID_TIMESTAMP',
        `The batch for '${topic}' says LogAppendTime, which the broker alone says; leave it to the topic's settings.`,
        { topic, position: at },
      )
    oldest = Math.min(oldest, readMaxTimestamp(batches, at))
    at += size
  }
  return oldest === Infinity ? -1 : oldest
}

function checkOrigin(batches: Buffer, at: number, topic: string): void {
  const attributes = readAttributes(batches, at)
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
}
