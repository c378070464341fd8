/** What a process lost when it ended: nothing, its memory, or what was not synced. */
export type Loss = 'nothing' | 'memory' | 'power'

/** A batch that some client sent. */
export interface SentBatch {
  /** Records. */
  readonly count: number
  readonly bytes: number
  readonly timestamp: number
  /** Index of its producer, -1 without one. */
  readonly producer: number
  readonly epoch: number
  readonly sequence: number
  /** Index of its transaction, -1 without one. */
  readonly transaction: number
  /** `refused`: whoever sent it was told that it is not in the log. */
  state: 'sent' | 'acknowledged' | 'refused'
  /** Where it is known to lie, -1 while that is not known. */
  offset: number
}

/** An idempotent producer: it sends one batch at a time, and sends it again until it knows what became of it. */
export interface ModelProducer {
  readonly id: number
  readonly transactional: boolean
  epoch: number
  /** The sequence of its next new batch. */
  sequence: number
  /** The batch of which it does not know whether it is in the log, -1: none. */
  pending: number
  /** The batch that was acknowledged last in this epoch, -1: none. */
  last: number
  /** The open or ending transaction, -1: none. */
  transaction: number
}

export interface ModelTransaction {
  readonly producer: number
  /** `open` until its coordinator decided. */
  decision: 'open' | 'commit' | 'abort'
}

/** How a partition is, which decides what it promises. */
export interface ModelRules {
  readonly uid: number
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Whether an acknowledgement promises to survive a loss of power. */
  readonly durable: boolean
  /** Records older than this may go. Default: never. */
  readonly retentionMs?: number
  /** Records with at least so many bytes behind them may go. Default: never. */
  readonly retentionBytes?: number
}

/** Plain data, so that it can be sent to another process and back. */
export interface ModelState {
  readonly rules: ModelRules
  /** `creating` and `deleting`: the call did not return, so both are right. */
  phase: 'creating' | 'live' | 'deleting'
  readonly batches: SentBatch[]
  readonly producers: ModelProducer[]
  readonly transactions: ModelTransaction[]
  /** By offset: which record lies there, as far as it is known. */
  known: (number | null)[]
  /** Offsets below survive the death of the process. */
  killSafe: number
  /** Offsets below survive a loss of power. */
  powerSafe: number
  /** Whether a batch that was refused may be there: after a failure its bytes can come back. */
  refusedMayShow: boolean
  /** The highest log start offset that was seen. */
  start: number
  /** Everything below was asked to go. */
  deleteRequested: number
}

export function emptyModel(rules: ModelRules): ModelState {
  return {
    rules,
    phase: 'creating',
    batches: [],
    producers: [],
    transactions: [],
    known: [],
    killSafe: 0,
    powerSafe: 0,
    refusedMayShow: false,
    start: 0,
    deleteRequested: 0,
  }
}

/** What a producer does that cannot go on where it was: its next batch begins a new epoch. */
export function freshEpoch(producer: ModelProducer): void {
  producer.epoch++
  producer.sequence = 0
  producer.pending = -1
  producer.last = -1
}
