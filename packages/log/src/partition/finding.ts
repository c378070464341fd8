/** What opening a directory found that its user should know. Nothing of it was deleted. */
export interface Finding {
  readonly kind: FindingKind
  readonly topic?: string
  readonly partition?: number
  readonly path: string
  /** Byte position in the file. */
  readonly position?: number
  readonly offset?: number
  /** One sentence. */
  readonly message: string
}

export type FindingKind =
  /** Bytes above the durable offset that are no whole batches: set aside in a `.torn` file. */
  | 'torn-tail'
  /** Zeros above the durable offset: cut off. */
  | 'zero-tail'
  /** A sound batch follows a torn one: set aside with it. */
  | 'batch-behind-torn'
  /** A segment behind a torn tail: set aside whole. */
  | 'segment-set-aside'
  /** Bytes above the durable offset after a failed sync: set aside. */
  | 'untrusted-tail'
  /** Damage below the durable offset: left as it is, reads of it fail. */
  | 'corruption'
  /** Offsets that were durable and are in no file: reads of them fail. */
  | 'missing-data'
  /** The checkpoint of the log start lies above the log's end: not followed. */
  | 'log-start-above-end'
  /** A folder that cannot be opened: its partition is offline, the others are not. */
  | 'partition-offline'
  | 'unknown-file'
  | 'unknown-folder'
  /** A partition whose creation was cut: it holds nothing. */
  | 'incomplete-partition'
  | 'leader-epochs-rebuilt'
