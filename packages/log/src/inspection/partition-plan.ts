/** What a partition's files are compared with. A plain message: it may be sent to another thread. */
export interface PartitionPlan {
  readonly folder: string
  readonly topic: string
  readonly partition: number
  /** Closed in good order, or nothing around it says anything else: nothing in it may be unfinished. */
  readonly clean: boolean
  /** Everything below must be there; 0 where nothing says how far. */
  readonly durable: number
  /** Up to where offsets may skip, because the cleaner has been there; `anywhere` where nothing says how far. */
  readonly gapsTo: number | 'anywhere'
  /** Whether a clean close has put it into the root's checkpoints. */
  readonly listed: boolean
  readonly recoveryPoint: number | undefined
  readonly highWatermark: number | undefined
  readonly logStartOffset: number | undefined
  /** Where Varve has noted that the log starts. */
  readonly notedStart: number | undefined
  readonly durableNote: number | undefined
}
