import {
  inspect as inspectLog,
  verify as verifyLog,
  type Flaw,
  type InspectionItem,
  type VerifyProgress,
  type VerifySummary,
} from '@varve/log'
import { NodeFs, realClock } from '@varve/platform'

export interface VerifyOptions {
  /** Aborting ends the check with the signal's reason. */
  signal?: AbortSignal
  onProgress?: (progress: VerifyProgress) => void
}

/**
 * Checks every byte of a data directory of Varve or Kafka, of a partition's folder or of one of its files. Takes no lock
 * and changes nothing: what is unfinished beside a living owner or after a crash is a note. Hands out what is wrong as it
 * is found, and last a summary.
 *
 * @throws `NOT_FOUND`, `DIRECTORY_NOT_VARVE`, `NOT_PERMITTED`
 */
export function verify(
  path: string,
  { signal, onProgress }: VerifyOptions = {},
): AsyncIterable<Flaw | VerifySummary> {
  return verifyLog(path, { vfs: new NodeFs(), clock: realClock, signal, progress: onProgress })
}

export interface InspectOptions {
  /** Of a directory: only this partition, such as `orders-0`, and that in detail. */
  partition?: string
  /** Only the segment that holds this offset. */
  segment?: number
  /** Each batch, its checksum compared. Default: only where the file of one segment is named. */
  batches?: boolean
  /** Each entry of the offset and time indexes. Default false. */
  index?: boolean
  /** Aborting ends the inspection with the signal's reason. */
  signal?: AbortSignal
}

/**
 * What is in the files of a data directory of Varve or Kafka, of a partition's folder, or in one of its files. Takes no
 * lock and changes nothing.
 *
 * @throws `NOT_FOUND`, `DIRECTORY_NOT_VARVE`, `NOT_PERMITTED`, `UNKNOWN_TOPIC_OR_PARTITION`
 */
export function inspect(path: string, options: InspectOptions = {}): AsyncIterable<InspectionItem> {
  return inspectLog(path, { ...options, vfs: new NodeFs(), clock: realClock })
}
