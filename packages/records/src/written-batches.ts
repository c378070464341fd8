/**
 * What the writer of this process knows of a batch that it has just encoded, so that nobody has to decode its records
 * again to learn it.
 */
export interface WrittenBatch {
  /** The checksum over what was written. */
  readonly crc: number
  /** The smallest timestamp of its records, -1 aside; Infinity where there is none. */
  readonly minTimestamp: number
  /** The largest timestamp of its records, -1 where there is none. */
  readonly maxTimestamp: number
  /** Whether every record has a key. */
  readonly keyed: boolean
}

const written = new WeakMap<Buffer, WrittenBatch>()

export function noteWritten(batch: Buffer, what: WrittenBatch): void {
  written.set(batch, what)
}

/**
 * What `BatchWriter.finish` knew of this very buffer. Its memory is its owner's and may hold something else by now:
 * what is said here holds for bytes whose checksum, computed anew, is `crc`, and for no others.
 */
export function writtenBatchOf(bytes: Buffer): WrittenBatch | undefined {
  return written.get(bytes)
}
