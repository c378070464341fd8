import { BatchWriter, type CodecName, type RecordInput } from '@varve/records'

/** A record in short: a string is a value without a key. */
export type RecordSketch = string | (Omit<RecordInput, 'timestamp'> & { timestamp?: number })

export interface BatchOptions {
  baseOffset?: number
  leaderEpoch?: number
  /** Of the first record without one of its own, milliseconds since the epoch; each next is 1 ms later. Default 2001-09-09T01:46:40Z. */
  timestamp?: number
  /** Makes the batch one of LogAppendTime. */
  logAppendTime?: number
  producerId?: number
  producerEpoch?: number
  baseSequence?: number
  transactional?: boolean
  control?: boolean
}

/** One uncompressed batch as bytes. */
export function batchOf(records: readonly RecordSketch[], options: BatchOptions = {}): Buffer {
  return filled(records, options, 'none').finish()
}

/** One batch as bytes, its records compressed. */
export function compressedBatchOf(
  records: readonly RecordSketch[],
  options: BatchOptions & { codec: CodecName },
): Promise<Buffer> {
  return filled(records, options, options.codec).finishCompressed()
}

/** `count` records with keys and values that can be told apart and take about `bytes` each. */
export function numberedRecords(
  count: number,
  options: { from?: number; bytes?: number } = {},
): RecordSketch[] {
  const { from = 0, bytes = 20 } = options
  return Array.from({ length: count }, (_, index) => {
    const number = from + index
    return { key: `key-${number}`, value: `value-${number}-`.padEnd(bytes, '.') }
  })
}

function filled(records: readonly RecordSketch[], options: BatchOptions, codec: CodecName): BatchWriter {
  const writer = new BatchWriter({ codec })
  writer.baseOffset = options.baseOffset ?? 0
  writer.leaderEpoch = options.leaderEpoch ?? -1
  writer.producerId = options.producerId ?? -1
  writer.producerEpoch = options.producerEpoch ?? -1
  writer.baseSequence = options.baseSequence ?? -1
  writer.transactional = options.transactional ?? false
  writer.control = options.control ?? false
  writer.logAppendTime = options.logAppendTime
  const start = options.timestamp ?? 1_000_000_000_000
  for (const [index, sketch] of records.entries()) {
    const record = typeof sketch === 'string' ? { value: sketch } : sketch
    writer.append({ timestamp: start + index, ...record })
  }
  return writer
}
