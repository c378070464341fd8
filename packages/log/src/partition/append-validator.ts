import { VarveError } from '@varve/platform'
import {
  checkBatch,
  checkRecords,
  codecOf,
  isControl,
  readAttributes,
  readBatchSize,
  readLastOffsetDelta,
  readMaxTimestamp,
} from '@varve/records'
import type { LogConfig } from '../log-config.ts'
import type { TopicPartition } from '../topic-partition.ts'

/** What an append holds, learnt while it was checked. */
export interface CheckedBatches {
  /** How many offsets it takes. */
  readonly offsets: number
  /** The largest timestamp, -1 without. */
  readonly maxTimestamp: number
}

/**
 * Checks what a broker checks before it gives offsets (org.apache.kafka.storage.internals.log.LogValidator), batch by
 * batch; no record is decoded but on a compacted topic, where each needs a key.
 *
 * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `MESSAGE_TOO_LARGE`, `INVALID_TIMESTAMP`
 */
export function checkAppend(
  bytes: Buffer,
  options: { of: TopicPartition; config: LogConfig; now: number },
): CheckedBatches {
  const { of, config, now } = options
  let offsets = 0
  let maxTimestamp = -1
  if (bytes.length === 0)
    throw new VarveError(
      'INVALID_RECORD',
      `An append to ${of.topic}-${of.partition} needs at least one batch.`,
      { context: { ...of } },
    )
  for (let at = 0; at < bytes.length;) {
    const size = checkBatch(bytes, at)
    if (size > config.maxMessageBytes) throw tooLarge(of, size, config.maxMessageBytes)
    const timestamp = readMaxTimestamp(bytes, at)
    const attributes = readAttributes(bytes, at)
    if (!isControl(attributes)) {
      if (config.messageTimestampType === 'CreateTime') checkTimestamp(timestamp, options)
      if (config.compact) checkKeys(bytes, at, of)
    }
    offsets += readLastOffsetDelta(bytes, at) + 1
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    at += size
  }
  return {
    offsets,
    maxTimestamp:
      config.messageTimestampType === 'LogAppendTime' ? Math.max(now, maxTimestamp) : maxTimestamp,
  }
}

/**
 * Only the largest timestamp of a batch is looked at: a single record far below it passes, as it must when nothing is
 * decoded.
 */
function checkTimestamp(
  timestamp: number,
  { of, config, now }: { of: TopicPartition; config: LogConfig; now: number },
): void {
  const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = config
  if (timestamp < 0) return
  if (now - timestamp <= before && timestamp - now <= after) return
  const [setting, side] =
    timestamp > now
      ? ['message.timestamp.after.max.ms', 'after']
      : ['message.timestamp.before.max.ms', 'before']
  throw new VarveError(
    'INVALID_TIMESTAMP',
    `The timestamp ${timestamp} for ${of.topic}-${of.partition} lies ${Math.abs(timestamp - now)} ms ${side} now, more than ${setting} allows; correct it or raise the setting.`,
    { context: { ...of, field: setting, found: timestamp, min: now - before, max: now + after } },
  )
}

function checkKeys(bytes: Buffer, at: number, of: TopicPartition): void {
  // A compressed batch is decoded by the engine, which has its codec loaded; here it would have to be for nothing else.
  if (codecOf(readAttributes(bytes, at)) !== 'none') return
  try {
    checkRecords(bytes.subarray(at, at + readBatchSize(bytes, at)), 0, { keyed: true })
  } catch (cause) {
    if (!(cause instanceof VarveError)) throw cause
    throw new VarveError(
      cause.code,
      `An append to ${of.topic}-${of.partition} was refused: ${cause.message}`,
      { context: { ...cause.context, ...of }, cause },
    )
  }
}

function tooLarge(of: TopicPartition, found: number, max: number): VarveError {
  return new VarveError(
    'MESSAGE_TOO_LARGE',
    `A batch for ${of.topic}-${of.partition} takes ${found} bytes, but max.message.bytes is ${max}; send smaller batches or raise the setting.`,
    { context: { ...of, field: 'max.message.bytes', found, max } },
  )
}
