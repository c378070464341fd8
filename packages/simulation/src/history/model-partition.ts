import { require } from '../failure.ts'
import type { Found } from './stamp.ts'

/** What a process lost when it ended: nothing, its memory, or what was not synced. */
export type Loss = 'nothing' | 'memory' | 'power'

interface SentBatch {
  readonly count: number
  readonly timestamp: number
  /** `refused`: whoever sent it was told that it is not in the log. */
  state: 'sent' | 'acknowledged' | 'refused'
}

export interface SentRange {
  readonly first: number
  readonly last: number
}

const INDEX_MAX = 64

/**
 * What must be true of one partition: every batch that was sent, what is known to lie at which offset, and how much of
 * that was promised to survive what.
 */
export class ModelPartition {
  readonly uid: number
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Whether an acknowledgement promises to survive a loss of power. */
  readonly durable: boolean
  /** `creating` and `deleting`: the call did not return, so both are right. */
  state: 'creating' | 'live' | 'deleting' = 'creating'
  readonly #batches: SentBatch[] = []
  /** By offset: the batch and the record's index in it. */
  #known: (number | undefined)[] = []
  /** Offsets below survive the death of the process. */
  killSafe = 0
  /** Offsets below survive a loss of power. */
  powerSafe = 0
  /** Whether a batch that was refused may be there: after a failure its bytes can come back. */
  #refusedMayShow = false

  constructor(of: { uid: number; topic: string; partition: number; topicId: string; durable: boolean }) {
    this.uid = of.uid
    this.topic = of.topic
    this.partition = of.partition
    this.topicId = of.topicId
    this.durable = of.durable
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  get sent(): number {
    return this.#batches.length
  }

  /** The numbers of `counts.length` new batches. */
  send(counts: readonly number[], timestamp: number): SentRange {
    const first = this.#batches.length
    for (const count of counts) this.#batches.push({ count, timestamp, state: 'sent' })
    return { first, last: this.#batches.length - 1 }
  }

  acknowledged({ first, last }: SentRange, info: { baseOffset: number; lastOffset: number }): void {
    let offset = info.baseOffset
    for (let seq = first; seq <= last; seq++) {
      const batch = this.#batch(seq)
      batch.state = 'acknowledged'
      for (let index = 0; index < batch.count; index++) this.#learn(offset++, seq, index)
    }
    require(offset === info.lastOffset + 1, () =>
      `${this.name}: batches ${first} to ${last} got offsets ${info.baseOffset} to ${info.lastOffset}`)
    this.#visible(offset)
  }

  refused({ first, last }: SentRange): void {
    for (let seq = first; seq <= last; seq++) this.#batch(seq).state = 'refused'
  }

  /** Records that a reader was given while the process lives. */
  saw(found: readonly Found[]): void {
    let before: Found | undefined
    for (const record of found) {
      this.#checkSent(record)
      this.#checkFollows(before, record)
      this.#learn(record.offset, record.seq, record.index)
      before = record
    }
    if (before !== undefined) this.#visible(before.offset + 1)
  }

  /** What is visible now survives a loss of power from now on. */
  flushed(): void {
    this.powerSafe = Math.max(this.powerSafe, this.killSafe)
  }

  /** A sync in the background failed: only what was synced before is sure to stay. */
  syncFailed(): void {
    if (!this.durable) this.killSafe = this.powerSafe
    this.#refusedMayShow = true
  }

  /** What was refused can show after the power came back, or after a failure that nobody could clean up. */
  refusedMayShow(): void {
    this.#refusedMayShow = true
  }

  /** The answer for a timestamp of one of the batches. */
  checkTimestamp(timestamp: number, offset: number | undefined, visible: number): void {
    const timestampAt = (at: number): number | undefined => {
      const known = this.#known[at]
      return known === undefined ? undefined : this.#batch(Math.floor(known / INDEX_MAX)).timestamp
    }
    const end = offset ?? visible
    for (let at = 0; at < end; at++) {
      const found = timestampAt(at)
      require(found === undefined || found < timestamp, () =>
        `${this.name}: timestamp ${timestamp} gave offset ${offset}, but offset ${at} has it too`)
    }
    if (offset === undefined) return
    const found = timestampAt(offset)
    require(found === undefined || found >= timestamp, () =>
      `${this.name}: timestamp ${timestamp} gave offset ${offset}, which has ${found}`)
  }

  /** A timestamp that some batch has. */
  timestampOf(seq: number): number {
    return this.#batch(seq).timestamp
  }

  /** Compares all that a reopened log holds with what was promised, and learns what is there from now on. */
  reopened(found: readonly Found[], loss: Loss): void {
    const promised = loss === 'power' ? this.powerSafe : this.killSafe
    if (loss !== 'nothing') this.#refusedMayShow = true
    require(found.length >= promised, () =>
      `${this.name}: after the loss of ${loss} it ends at offset ${found.length}, but ${promised} were promised`)
    let before: Found | undefined
    for (const [offset, record] of found.entries()) {
      require(record.offset === offset, () =>
        `${this.name}: the offset ${record.offset} lies where ${offset} is due`)
      this.#checkSent(record)
      this.#checkFollows(before, record)
      before = record
      if (offset >= promised) continue
      const known = this.#known[offset]
      require(known === undefined || known === record.seq * INDEX_MAX + record.index, () =>
        `${this.name}: offset ${offset} held batch ${Math.floor((known ?? 0) / INDEX_MAX)} and holds ${record.seq}`)
    }
    require(before === undefined || before.index === before.count - 1, () =>
      `${this.name}: batch ${before?.seq} is there only in part`)
    this.#known = found.map(record => record.seq * INDEX_MAX + record.index)
    this.killSafe = found.length
    this.powerSafe = found.length
  }

  #visible(end: number): void {
    this.killSafe = Math.max(this.killSafe, end)
    if (this.durable) this.powerSafe = Math.max(this.powerSafe, end)
  }

  #learn(offset: number, seq: number, index: number): void {
    const known = this.#known[offset]
    const code = seq * INDEX_MAX + index
    require(known === undefined || known === code || offset >= this.killSafe, () =>
      `${this.name}: offset ${offset} belongs to batch ${Math.floor((known ?? 0) / INDEX_MAX)} and to ${seq}`)
    this.#known[offset] = code
  }

  #checkSent(record: Found): void {
    require(record.uid === this.uid, () =>
      `${this.name}: offset ${record.offset} is of another partition (${record.uid}, not ${this.uid})`)
    const batch = this.#batches[record.seq]
    require(batch?.count === record.count, () =>
      `${this.name}: offset ${record.offset} holds batch ${record.seq}, which was never sent`)
    require(batch.state !== 'refused' || this.#refusedMayShow, () =>
      `${this.name}: offset ${record.offset} holds batch ${record.seq}, which was refused`)
  }

  /** Batches come whole and in the order in which they were sent. */
  #checkFollows(before: Found | undefined, record: Found): void {
    if (before === undefined) {
      require(record.index === 0, () =>
        `${this.name}: batch ${record.seq} starts with record ${record.index}`)
      return
    }
    const inBatch = record.seq === before.seq && record.index === before.index + 1
    const next = record.seq > before.seq && record.index === 0 && before.index === before.count - 1
    require(record.offset === before.offset + 1 && (inBatch || next), () =>
      `${this.name}: batch ${record.seq}.${record.index} at offset ${record.offset} follows ` +
      `${before.seq}.${before.index} at ${before.offset}`)
  }

  #batch(seq: number): SentBatch {
    const batch = this.#batches[seq]
    require(batch !== undefined, () => `${this.name}: there is no batch ${seq}`)
    return batch
  }
}
