import { OFFSET_ENTRY_SIZE } from '../segment/offset-index.ts'
import type { BatchSpan } from '../segment/segment-scanner.ts'
import { TIME_ENTRY_SIZE } from '../segment/time-index.ts'
import type { EntryFile } from './entry-file.ts'

/** What is wrong with an index, and where in its file. */
export interface IndexProblem {
  readonly position: number
  readonly message: string
  /** A preallocated rest of zeros, or entries that run ahead of the log: as after a crash, or beside an owner. */
  readonly unfinished: boolean
  /** Of a transaction's marker. */
  readonly offset?: number
  /** The file is behind its log, and not wrong. */
  readonly lags?: boolean
}

interface Entry {
  readonly position: number
  readonly offset: number
  readonly timestamp: number
}

/** What both kinds of index have in common: entries are compared with batches that come by in order. */
abstract class IndexCheck {
  protected readonly file: EntryFile
  protected readonly baseOffset: number
  protected slot = 0
  readonly #entrySize: number
  #firstZero: number | undefined
  #zeros = 0

  constructor(file: EntryFile, options: { baseOffset: number; entrySize: number }) {
    this.file = file
    this.baseOffset = options.baseOffset
    this.#entrySize = options.entrySize
  }

  /** The next entry; undefined behind the last one, a preallocated rest left out. Zeros before it are passed over. */
  protected next(): Entry | undefined {
    for (; this.slot < this.#used; this.slot++) {
      const bytes = this.file.at(this.slot)
      if (bytes === undefined) return undefined
      if (this.slot === 0 && this.#zeroMayBeFirst) return this.read(bytes)
      if (bytes.some(byte => byte !== 0)) return this.read(bytes)
      this.#firstZero ??= this.slot
      this.#zeros++
    }
    return undefined
  }

  protected abstract read(bytes: Buffer): Entry

  protected problem(message: string, unfinished = false): IndexProblem {
    return {
      position: this.slot * this.#entrySize,
      message: `is wrong: entry ${this.slot} ${message}`,
      unfinished,
    }
  }

  /** What is left once the last batch came by. */
  *leftOver(behind: string): Generator<IndexProblem> {
    const entry = this.next()
    if (this.#firstZero !== undefined) {
      const position = this.#firstZero * this.#entrySize
      // Pages that were never synced may be missing after a crash.
      yield { position, message: `has ${this.#zeros} entries of zeros among others`, unfinished: true }
    }
    if (entry !== undefined) yield this.problem(behind, true)
    else if (this.file.size > this.slot * this.#entrySize) yield this.#rest()
  }

  #rest(): IndexProblem {
    const position = this.slot * this.#entrySize
    const bytes = this.file.size - position
    const zeros = this.slot >= this.file.used
    const what = zeros ? 'zeros that were preallocated' : 'bytes that are no whole entry'
    return { position, message: `ends in ${bytes} ${what}`, unfinished: true }
  }

  /** One entry of zeros alone is a batch at the base offset with the timestamp 0, not a preallocated rest. */
  get #zeroMayBeFirst(): boolean {
    return this.file.size === TIME_ENTRY_SIZE
  }

  /** Whole entries that count. */
  get #used(): number {
    return Math.min(this.file.entries, Math.max(this.file.used, this.#zeroMayBeFirst ? 1 : 0))
  }
}

/** Each entry of an `.index` is the last offset of a batch and where that batch starts. */
export class OffsetIndexCheck extends IndexCheck {
  constructor(file: EntryFile, baseOffset: number) {
    super(file, { baseOffset, entrySize: OFFSET_ENTRY_SIZE })
  }

  *batch(span: BatchSpan): Generator<IndexProblem> {
    for (let entry = this.next(); entry !== undefined; entry = this.next()) {
      if (entry.position > span.position) return
      if (entry.position < span.position) {
        yield this.problem(`points at position ${entry.position}, where no batch starts`)
      } else if (entry.offset !== span.lastOffset) {
        yield this.problem(
          `says offset ${entry.offset} for position ${entry.position}, where a batch ends with offset ${span.lastOffset}`,
        )
      }
      this.slot++
    }
  }

  /** Passes over what points below `position`, into damage. */
  skipTo(position: number): void {
    for (let entry = this.next(); entry !== undefined && entry.position < position; entry = this.next())
      this.slot++
  }

  protected read(bytes: Buffer): Entry {
    return {
      position: bytes.readInt32BE(4),
      offset: this.baseOffset + bytes.readInt32BE(0),
      timestamp: -1,
    }
  }
}

/** Each entry of a `.timeindex` is a timestamp that was the largest so far, and the last offset of its batch. */
export class TimeIndexCheck extends IndexCheck {
  #maxTimestamp = -1
  #lastTimestamp = -1
  /** False behind damage: the largest timestamp may lie in it. */
  #certain = true

  constructor(file: EntryFile, baseOffset: number) {
    super(file, { baseOffset, entrySize: TIME_ENTRY_SIZE })
  }

  *batch(span: BatchSpan): Generator<IndexProblem> {
    for (let entry = this.next(); entry !== undefined; entry = this.next()) {
      const { offset, timestamp } = entry
      if (offset > span.lastOffset) break
      if (offset < span.lastOffset) {
        yield this.problem(`names offset ${offset}, which is no batch's last one`)
      } else if (timestamp !== span.maxTimestamp) {
        yield this.problem(
          `says timestamp ${timestamp} for offset ${offset}, whose batch has ${span.maxTimestamp} as its largest`,
        )
      } else if (this.#certain && timestamp <= this.#maxTimestamp) {
        yield this.problem(`says timestamp ${timestamp}, but ${this.#maxTimestamp} came before`)
      }
      this.#lastTimestamp = timestamp
      this.slot++
    }
    this.#maxTimestamp = Math.max(this.#maxTimestamp, span.maxTimestamp)
  }

  skipTo(offset: number): void {
    this.#certain = false
    for (let entry = this.next(); entry !== undefined && entry.offset < offset; entry = this.next())
      this.slot++
  }

  /** A finished segment ends with its largest timestamp: lookups by time rely on it. */
  *incomplete(): Generator<IndexProblem> {
    if (!this.#certain || this.#maxTimestamp < 0 || this.#lastTimestamp === this.#maxTimestamp) return
    yield this.problem(
      `is missing: the segment's largest timestamp is ${this.#maxTimestamp}, the index ends with ${this.#lastTimestamp}`,
    )
  }

  protected read(bytes: Buffer): Entry {
    return {
      position: -1,
      offset: this.baseOffset + bytes.readInt32BE(8),
      timestamp: Number(bytes.readBigInt64BE(0)),
    }
  }
}
