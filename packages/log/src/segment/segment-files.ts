/*
 * The files of a segment bear its base offset in 20 digits. Kafka ignores files in a partition's folder whose ending
 * it does not know, such as `.torn`. Source: apache/kafka, org.apache.kafka.storage.internals.log.LogFileUtils.
 */

export const LOG_SUFFIX = '.log'
export const OFFSET_INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const TRANSACTION_INDEX_SUFFIX = '.txnindex'
export const SNAPSHOT_SUFFIX = '.snapshot'
/** Behind the whole name of a file that left its log and waits for its removal. */
export const DELETED_SUFFIX = '.deleted'
export const TORN_SUFFIX = '.torn'

const SEGMENT_FILE = /^(\d{20})(\.[a-z]+)$/

/** The name of a segment's file, such as `00000000000000000042.log`. */
export function segmentFileName(baseOffset: number, suffix: string): string {
  return `${String(baseOffset).padStart(20, '0')}${suffix}`
}

/** What a segment file's name says, `undefined` for any other name. */
export function parseSegmentFileName(name: string): { baseOffset: number; suffix: string } | undefined {
  const [, digits, suffix] = SEGMENT_FILE.exec(name) ?? []
  if (digits === undefined || suffix === undefined) return undefined
  const baseOffset = Number(digits)
  return Number.isSafeInteger(baseOffset) ? { baseOffset, suffix } : undefined
}
