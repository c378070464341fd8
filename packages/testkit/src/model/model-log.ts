import { committedOnly, stableView } from './isolation.ts'
import type { AbortedRange } from './log-under-test.ts'
import {
  emptyModel,
  freshEpoch,
  type Loss,
  type ModelProducer,
  type ModelRules,
  type ModelState,
  type SentBatch,
} from './model-state.ts'
import { require } from './property.ts'
import { codeOf, markerCode, seqOf, tellCode } from './record-code.ts'
import { ScanOrder } from './scan-order.ts'
import type { Found, Marker } from './stamp.ts'

export interface SentRange {
  readonly first: number
  readonly last: number
}

const MARKER_BYTES = 78
/** Markers of which nobody heard whether they are in the log. */
const MARKERS_UNKNOWN_MAX = 5

/**
 * What must be true of one partition: every batch that was sent, what is known to lie at which offset, and how much of
 * that was promised to survive what. A plain array with rules.
 */
export class ModelLog {
  readonly state: ModelState

  constructor(rules: ModelRules | ModelState) {
    this.state = 'batches' in rules ? rules : emptyModel(rules)
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  get uid(): number {
    return this.state.rules.uid
  }

  get topic(): string {
    return this.state.rules.topic
  }

  get partition(): number {
    return this.state.rules.partition
  }

  get topicId(): string {
    return this.state.rules.topicId
  }

  get durable(): boolean {
    return this.state.rules.durable
  }

  get phase(): ModelState['phase'] {
    return this.state.phase
  }

  /** How many batches were sent: the number of the next one. */
  get sent(): number {
    return this.state.batches.length
  }

  /** Takes new batches, whose numbers begin at `sent`. */
  send(
    batches: readonly { readonly count: number; readonly bytes: number }[],
    of: { timestamp: number; producer?: number; transaction?: number },
  ): SentRange {
    const { timestamp, producer = -1, transaction = -1 } = of
    const first = this.sent
    const { epoch, sequence } = this.state.producers[producer] ?? { epoch: -1, sequence: -1 }
    for (const { count, bytes } of batches) {
      const sender = { producer, epoch, sequence, transaction }
      this.state.batches.push({ count, bytes, timestamp, ...sender, state: 'sent', offset: -1 })
    }
    return { first, last: this.sent - 1 }
  }

  acknowledged({ first, last }: SentRange, info: { baseOffset: number; lastOffset: number }): void {
    let offset = info.baseOffset
    for (let seq = first; seq <= last; seq++) {
      const batch = this.batch(seq)
      batch.state = 'acknowledged'
      for (let index = 0; index < batch.count; index++) this.#learnBatch(offset++, seq, index)
    }
    require(offset === info.lastOffset + 1, () =>
      `${this.name}: batches ${first} to ${last} got offsets ${info.baseOffset} to ${info.lastOffset}`)
    this.#visible(offset)
  }

  /** The marker of a producer's transaction is in the log. */
  marked(producer: number, marker: Marker, info: { baseOffset: number }): void {
    this.#learn(info.baseOffset, markerCode(producer, marker))
    this.#visible(info.baseOffset + 1)
  }

  refused({ first, last }: SentRange): void {
    for (let seq = first; seq <= last; seq++) this.batch(seq).state = 'refused'
  }

  /** A batch that was refused, or whose fate is unknown, is sent once more. */
  resent(seq: number): void {
    const batch = this.batch(seq)
    if (batch.state === 'refused') batch.state = 'sent'
  }

  /** Records that a reader was given while the process lives. */
  saw(found: readonly Found[]): void {
    const order = new ScanOrder(this.name, this.state)
    for (const record of found) {
      this.#checkSent(record)
      order.take(record)
      this.#learnFound(record)
    }
    const last = found.at(-1)
    if (last !== undefined) this.#visible(last.offset + 1)
  }

  /** What a reader of committed records was given: `found` as it came, before it leaves out what was aborted. */
  sawCommitted(found: readonly Found[], of: { aborted: readonly AbortedRange[]; limit: number }): void {
    const last = found.at(-1)
    require(last === undefined || last.offset < of.limit, () =>
      `${this.name}: a reader of committed records got offset ${last?.offset}, at a last stable offset of ${of.limit}`)
    this.saw(found)
    const { visible, hidden } = committedOnly(found, of.aborted)
    for (const [records, wanted] of [
      [visible, 'commit'],
      [hidden, 'abort'],
    ] as const) {
      for (const { offset, seq } of records) {
        const { transaction } = this.batch(seq)
        const decision = transaction < 0 ? 'commit' : this.state.transactions[transaction]?.decision
        require(decision === wanted, () =>
          `${this.name}: to a reader of committed records offset ${offset} looks like '${wanted}', but is '${decision}'`)
      }
    }
  }

  /** What is visible now survives a loss of power from now on. */
  flushed(end = this.state.killSafe): void {
    this.state.powerSafe = Math.max(this.state.powerSafe, end)
  }

  /** A sync in the background failed: only what was synced before is sure to stay. */
  syncFailed(): void {
    if (!this.durable) this.state.killSafe = this.state.powerSafe
    this.state.refusedMayShow = true
  }

  /** Somebody asked for everything below `before` to go; it may be gone from now on. */
  deleting(before: number): void {
    this.state.deleteRequested = Math.max(this.state.deleteRequested, before)
  }

  /** Looks at a living log's start: it only grows, and only over what may go. */
  startsAt(start: number, now: number): void {
    const { state } = this
    require(start >= state.start, () => `${this.name}: its start went back from ${state.start} to ${start}`)
    this.#checkMayGo(state.start, { start, now })
    state.start = start
  }

  /** The answer for a timestamp of one of the batches, from a log that began at `start`. */
  checkTimestamp(timestamp: number, offset: number | undefined, of: { start: number; end: number }): void {
    for (let at = of.start; at < (offset ?? of.end); at++) {
      const found = this.#timestampAt(at)
      require(found === undefined || found < timestamp, () =>
        `${this.name}: timestamp ${timestamp} gave offset ${offset}, but offset ${at} has it too`)
    }
    if (offset === undefined) return
    const found = this.#timestampAt(offset)
    require(found === undefined || found >= timestamp, () =>
      `${this.name}: timestamp ${timestamp} gave offset ${offset}, which has ${found}`)
  }

  /** Compares all that a reopened log holds with what was promised, and learns what is there from now on. */
  reopened(found: readonly Found[], of: { loss: Loss; start: number; now: number }): void {
    const { state } = this
    const { loss, start } = of
    const end = start + found.length
    const promised = loss === 'power' ? state.powerSafe : state.killSafe
    if (loss !== 'nothing') state.refusedMayShow = true
    require(end >= promised, () =>
      `${this.name}: after the loss of ${loss} it ends at offset ${end}, but ${promised} were promised`)
    require(start >= state.start, () =>
      `${this.name}: after the loss of ${loss} it starts at ${start}, but began at ${state.start} already`)
    this.#checkMayGo(0, of)
    const order = new ScanOrder(this.name, state)
    for (const [index, record] of found.entries()) {
      const offset = start + index
      require(record.offset === offset, () =>
        `${this.name}: the offset ${record.offset} lies where ${offset} is due`)
      this.#checkSent(record)
      order.take(record, { partial: index === 0 })
      const known = state.known[offset] ?? undefined
      require(known === undefined || offset >= promised || known === this.#code(record), () =>
        `${this.name}: offset ${offset} held ${tellCode(known)} and holds ${tellCode(this.#code(record))}`)
    }
    order.end()
    this.#restart(found, { start, end, loss })
  }

  /** @param all every record in the log, as `reopened` took them. */
  checkStable(
    all: readonly Found[],
    committed: readonly Found[],
    of: { start: number; stable: number },
  ): void {
    const expected = stableView(all, of.start + all.length)
    // Of a transaction that began below the log's start only the rest is in sight.
    const stable = Math.max(expected.lastStableOffset, of.start)
    const exact = of.start === 0 || of.stable > stable
    require(exact ? of.stable === stable : of.stable >= of.start, () =>
      `${this.name}: the last stable offset is ${of.stable}, not ${stable}`)
    const below = expected.committed.filter(({ offset }) => offset < of.stable)
    const [found, wanted] = [committed, below].map(records => records.map(({ offset }) => offset))
    require(found?.join() === wanted?.join(), () =>
      `${this.name}: committed are the offsets ${wanted?.join()}, and ${found?.join()} are shown`)
  }

  batch(seq: number): SentBatch {
    const batch = this.state.batches[seq]
    require(batch !== undefined, () => `${this.name}: there is no batch ${seq}`)
    return batch
  }

  producer(index: number): ModelProducer {
    const producer = this.state.producers[index]
    require(producer !== undefined, () => `${this.name}: there is no producer ${index}`)
    return producer
  }

  /** What is in the log survives everything from now on; what is not is gone, or never came. */
  #restart(found: readonly Found[], { start, end, loss }: { start: number; end: number; loss: Loss }): void {
    const { state } = this
    const before = state.batches.map(({ offset }) => offset)
    for (const batch of state.batches) batch.offset = -1
    state.known = []
    state.start = start
    state.deleteRequested = Math.max(state.deleteRequested, start)
    for (const record of found) this.#learnFound(record)
    state.killSafe = state.powerSafe = end
    for (const producer of state.producers) {
      if (producer.last < 0 || this.batch(producer.last).offset >= 0) continue
      const lost = loss !== 'nothing' && (before[producer.last] ?? -1) >= start
      if (lost) freshEpoch(producer)
      // What the log knew of a producer may go with its last record.
      else producer.last = -1
    }
  }

  #checkMayGo(from: number, { start, now }: { start: number; now: number }): void {
    const { rules, deleteRequested, known } = this.state
    for (let offset = Math.max(from, deleteRequested); offset < start; offset++) {
      const code = known[offset] ?? undefined
      const timestamp = this.#timestampAt(offset)
      if (code === undefined || timestamp === undefined) continue
      const old = timestamp < now - (rules.retentionMs ?? Infinity)
      require(old || this.#bytesBehind(code) >= (rules.retentionBytes ?? Infinity), () =>
        `${this.name}: offset ${offset} of time ${timestamp} is gone at ${now}, and nobody wanted that`)
    }
  }

  #bytesBehind(code: number): number {
    const { batches } = this.state
    const seq = code < 0 ? -1 : seqOf(code)
    const from = batches[seq]?.offset ?? -1
    // Of some it is not known where they are; later ones may well be behind. So may markers.
    const markers = this.state.known.filter(one => one !== null && one < 0).length
    const marked = markers === 0 ? 0 : (markers + MARKERS_UNKNOWN_MAX) * MARKER_BYTES
    return batches.reduce(
      (sum, { offset, bytes }, at) => (offset > from || at > seq ? sum + bytes : sum),
      marked,
    )
  }

  #timestampAt(offset: number): number | undefined {
    const code = this.state.known[offset] ?? undefined
    if (code === undefined || code < 0) return undefined
    return this.batch(seqOf(code)).timestamp
  }

  #visible(end: number): void {
    const { state } = this
    state.killSafe = Math.max(state.killSafe, end)
    if (this.durable) state.powerSafe = Math.max(state.powerSafe, end)
  }

  #learnFound(record: Found): void {
    if (record.marker === undefined) this.#learnBatch(record.offset, record.seq, record.index)
    else this.#learn(record.offset, this.#code(record))
  }

  #learnBatch(offset: number, seq: number, index: number): void {
    const { state } = this
    const batch = this.batch(seq)
    const first = offset - index
    require(batch.offset < 0 ||
      batch.offset === first ||
      batch.offset >= state.killSafe ||
      batch.offset < state.start, () =>
      `${this.name}: batch ${seq} is at offset ${batch.offset} and at ${first}`)
    if (first >= state.start) batch.offset = first
    this.#learn(offset, codeOf(seq, index))
  }

  #learn(offset: number, code: number): void {
    const { state } = this
    if (offset < state.start) return
    const known = state.known[offset] ?? undefined
    require(known === undefined || known === code || offset >= state.killSafe, () =>
      `${this.name}: offset ${offset} belongs to ${tellCode(known)} and to ${tellCode(code)}`)
    state.known[offset] = code
  }

  #code(record: Found): number {
    if (record.marker === undefined) return codeOf(record.seq, record.index)
    return markerCode(this.#indexOf(record.producerId), record.marker)
  }

  #indexOf(producerId: number): number {
    return this.state.producers.findIndex(({ id }) => id === producerId)
  }

  #checkSent(record: Found): void {
    const { uid, offset, seq, marker, producerId } = record
    if (marker !== undefined) {
      const { transactions } = this.state
      const producer = this.#indexOf(producerId)
      const sent = transactions.some(one => one.producer === producer && one.decision === marker)
      require(sent, () => `${this.name}: offset ${offset} holds a marker '${marker}' that was never sent`)
      return
    }
    require(uid === this.uid, () =>
      `${this.name}: offset ${offset} is of another partition (${uid}, not ${this.uid})`)
    const batch = this.state.batches[seq]
    require(batch?.count === record.count &&
      (this.state.producers[batch.producer]?.id ?? -1) === producerId, () =>
      `${this.name}: offset ${offset} holds batch ${seq}, which was never sent`)
    require(batch.state !== 'refused' || this.state.refusedMayShow, () =>
      `${this.name}: offset ${offset} holds batch ${seq}, which was refused`)
  }
}
