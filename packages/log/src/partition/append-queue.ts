import type { ProducerUpdates } from '../producer/producer-append-info.ts'
import { logLimits } from '../limits.ts'

/** What an append got. */
export interface AppendInfo {
  /** The offset of its first record. */
  readonly baseOffset: number
  /** The offset of its last record. */
  readonly lastOffset: number
  /** The time all its records got, -1 unless `message.timestamp.type` is LogAppendTime. */
  readonly logAppendTime: number
  readonly logStartOffset: number
}

/** An append with its offsets, on its way to the file. Without bytes it is one that the log has, or will have, already. */
export interface PendingAppend extends AppendInfo {
  readonly bytes: Buffer
  /** Records by offsets. */
  readonly offsets: number
  readonly maxTimestamp: number
  /** What it changes of the producers that it is from. */
  readonly producers: ProducerUpdates | undefined
  resolve(info: AppendInfo): void
  reject(error: unknown): void
}

/** An append that came while too many bytes were under way; it has no offsets yet. */
interface WaitingAppend {
  readonly bytes: number
  admit(): void
  reject(error: unknown): void
}

/** The appends of one partition in the order of their offsets, and behind them those that wait to be let in. */
export class AppendQueue {
  #pending: PendingAppend[] = []
  #bytes = 0
  readonly #waiting: WaitingAppend[] = []

  get length(): number {
    return this.#pending.length
  }

  /** Whether an append of `bytes` may get offsets now; otherwise it has to wait behind those that wait. */
  hasRoomFor(bytes: number): boolean {
    return (
      this.#waiting.length === 0 &&
      (this.#bytes === 0 || this.#bytes + bytes <= logLimits.appendQueueBytesMax)
    )
  }

  push(append: PendingAppend): void {
    this.#pending.push(append)
    this.#bytes += append.bytes.length
  }

  wait(append: WaitingAppend): void {
    this.#waiting.push(append)
  }

  /** Takes what one round writes. Its bytes count until `settled`. */
  takeRound(): PendingAppend[] {
    const { appendRoundBytesMax, appendRoundBuffersMax } = logLimits
    let count = 0
    let bytes = 0
    for (const append of this.#pending) {
      if (count > 0 && (bytes + append.bytes.length > appendRoundBytesMax || count === appendRoundBuffersMax))
        break
      bytes += append.bytes.length
      count++
    }
    if (count === this.#pending.length) {
      const round = this.#pending
      this.#pending = []
      return round
    }
    return this.#pending.splice(0, count)
  }

  /** Gives the room of these appends to those that wait. */
  settled(appends: readonly PendingAppend[]): void {
    for (const append of appends) this.#bytes -= append.bytes.length
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#bytes > 0 && this.#bytes + next.bytes > logLimits.appendQueueBytesMax) return
      this.#waiting.shift()
      next.admit()
    }
  }

  /** Empties the queue of all that has offsets. */
  takeAll(): PendingAppend[] {
    const all = this.#pending
    this.#pending = []
    return all
  }

  rejectWaiting(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}
