/** Something in the files that is not as it should be. */
export interface Flaw {
  /** `note`: unfinished or left over, as it may be beside a living owner or after a crash. */
  readonly type: 'damage' | 'note'
  readonly kind: FlawKind
  readonly path: string
  readonly topic?: string
  readonly partition?: number
  /** Byte position in the file. */
  readonly position?: number
  readonly offset?: number
  /** One sentence. */
  readonly message: string
}

export type FlawKind =
  /** A batch whose header or checksum does not hold, or that does not continue the log. */
  | 'batch'
  /** A batch with a sound checksum whose records break the format. */
  | 'records'
  /** Offsets that should be there and are in no file. */
  | 'missing-data'
  /** Bytes at the end that are no whole batch. */
  | 'torn-tail'
  /** Zeros at the end of a log or an index. */
  | 'zero-tail'
  | 'offset-index'
  | 'time-index'
  | 'transaction-index'
  | 'producer-snapshot'
  | 'leader-epochs'
  /** One of the checkpoints at the root contradicts the log, or is no checkpoint. */
  | 'checkpoint'
  /** meta.properties, partition.metadata, the clean marker and other small files. */
  | 'properties'
  /** Files on their way in or out: `.deleted`, `.torn`, `.tmp`. */
  | 'left-over'
  | 'unknown-file'
  | 'unknown-folder'
  /** The file or folder cannot be read. */
  | 'unreadable'

/** Where a flaw lies, for the builders of flaws. */
export interface FlawPlace {
  readonly path: string
  readonly position?: number
  readonly offset?: number
}
