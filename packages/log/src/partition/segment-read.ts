import { isVarveError, type VarveError, type VfsFile } from '@varve/platform'
import { BATCH_HEADER_SIZE, checkBatch } from '@varve/records'
import type { LogSegment } from '../segment/log-segment.ts'
import { SegmentScanner, spanAt, type BatchSpan } from '../segment/segment-scanner.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { ReadRequest } from './log-reader.ts'
import type { LogState } from './log-state.ts'

export const MAX_BYTES_DEFAULT = 1024 * 1024
const READ_BYTES_MIN = 4096
/** From here on a read goes out in two halves: the first one is looked at while the second one is on its way. */
const HALVED_BYTES_MIN = 256 * 1024
const EMPTY = Buffer.alloc(0)
const NOTHING = { found: EMPTY } as const

/** Where to begin in a segment, and what is known of the batch there. */
export interface SegmentStart {
  readonly position: number
  /** The offset that is due at that position; undefined where the index says which is the last one. */
  readonly expected?: number
  /** What the index says that the batch's last offset is. */
  readonly lastOffset?: number
}

/** What a read in one segment came to. */
export type SegmentOutcome =
  /** Empty where the limit comes first. */
  | { readonly found: Buffer; readonly next?: number; readonly nextPosition?: number }
  /** The segment ends before the offset. */
  | 'behind'
  | 'index-lies'
  /** Damage at a position: the way behind it is found with the index. */
  | { readonly damage: number }

export interface SegmentReadOptions {
  readonly segment: LogSegment
  readonly file: VfsFile
  readonly request: ReadRequest
  readonly limit: number
  /** Positions of batches behind a damage; undefined as long as none was met. */
  readonly anchors: ReadonlySet<number> | undefined
}

/** One read in one segment. */
export class SegmentRead {
  readonly #state: LogState
  readonly #segment: LogSegment
  readonly #file: VfsFile
  readonly #request: ReadRequest
  readonly #limit: number
  readonly #anchors: ReadonlySet<number> | undefined
  readonly #size: number
  readonly #endOffset: number
  readonly #maxBytes: number
  #chunk: Buffer = EMPTY
  /** Where the chunk lies in the file. */
  #position = 0
  /** The second half of the chunk, on its way: the whole with it. */
  #rest: Promise<Buffer> | undefined

  constructor(state: LogState, { segment, file, request, limit, anchors }: SegmentReadOptions) {
    this.#state = state
    this.#segment = segment
    this.#file = file
    this.#request = request
    this.#limit = limit
    this.#anchors = anchors
    this.#size = segment.size
    this.#endOffset = state.endOffsetOf(segment)
    this.#maxBytes = request.maxBytes ?? MAX_BYTES_DEFAULT
  }

  async run(start: SegmentStart): Promise<SegmentOutcome> {
    try {
      return await this.#run(start)
    } finally {
      // The memory is the caller's from now on: nothing may come into it any more.
      await this.#rest?.catch(() => undefined)
    }
  }

  async #run({ position, expected, lastOffset }: SegmentStart): Promise<SegmentOutcome> {
    if (expected !== undefined) {
      const hinted = expected === this.#request.offset
      await this.#load(
        position,
        hinted ? this.#maxBytes : this.#maxBytes + this.#state.config.indexIntervalBytes,
      )
      return this.#walk(position, expected)
    }
    await this.#load(position, this.#maxBytes + this.#state.config.indexIntervalBytes)
    const span = this.#spanAt(position)
    if (span?.lastOffset === lastOffset) return this.#walk(position, span?.baseOffset ?? this.#request.offset)
    if (!plantedBugs.indexTrustedUnchecked) return 'index-lies'
    return this.#walk(position, span?.baseOffset ?? lastOffset ?? this.#request.offset)
  }

  async #walk(from: number, due: number): Promise<SegmentOutcome> {
    const { offset } = this.#request
    let position = from
    let expected = due
    let previous: BatchSpan | undefined
    while (position < this.#size) {
      if (!this.#has(position, BATCH_HEADER_SIZE)) await this.#load(position, this.#maxBytes)
      const span = this.#spanAt(position)
      const sound = span !== undefined && this.#continues(expected, span)
      if (sound && span.baseOffset >= this.#limit) return NOTHING
      if (sound && span.lastOffset < offset) {
        position += span.size
        expected = span.lastOffset + 1
        previous = span
        continue
      }
      const collected = sound ? await this.#collect(span, expected) : undefined
      if (collected !== undefined) return collected
      // Damage. What comes behind it may hold the offset, or the offset is lost.
      if (this.#anchors === undefined) return { damage: position }
      const behind = await this.#soundBehind(position, expected, previous)
      if (behind === undefined || behind.baseOffset > offset) throw this.#corrupt(position, expected)
      position = behind.position
      expected = behind.baseOffset
      previous = undefined
    }
    return 'behind'
  }

  /** Whole sound batches from `first` on; undefined when already the first is damaged. */
  async #collect(first: BatchSpan, expected: number): Promise<SegmentOutcome | undefined> {
    if (this.#request.minOneBatch === false && first.size > this.#maxBytes) return NOTHING
    if (!this.#has(first.position, first.size)) await this.#load(first.position, this.#maxBytes, first.size)
    const from = first.position - this.#position
    let end = from
    let next = expected
    for (;;) {
      const left = this.#chunk.length - end
      const span = this.#spanAt(this.#position + end)
      if (left < (span?.size ?? BATCH_HEADER_SIZE)) {
        if (await this.#second()) continue
        break
      }
      if (span === undefined || !this.#continues(next, span) || span.lastOffset >= this.#limit) break
      if (end > from && end - from + span.size > this.#maxBytes) break
      if (!this.#checksumHolds(end, span)) break
      end += span.size
      next = span.lastOffset + 1
    }
    if (end === from) return undefined
    return { found: this.#chunk.subarray(from, end), next, nextPosition: this.#position + end }
  }

  #checksumHolds(at: number, span: BatchSpan): boolean {
    try {
      checkBatch(this.#chunk, at, at + span.size)
      return true
    } catch (error) {
      if (isVarveError(error)) return false
      throw error
    }
  }

  #continues(expected: number, span: BatchSpan): boolean {
    return this.#state.gaps ? span.baseOffset >= expected : span.baseOffset === expected
  }

  async #soundBehind(
    position: number,
    expected: number,
    previous: BatchSpan | undefined,
  ): Promise<BatchSpan | undefined> {
    const { gaps } = this.#state
    const scanner = new SegmentScanner({
      file: this.#file,
      size: this.#size,
      baseOffset: this.#segment.baseOffset,
      endOffset: this.#endOffset,
      gaps,
    })
    return scanner.findSoundAfter({ position, expected, previous }, at => this.#anchors?.has(at) === true)
  }

  #spanAt(position: number): BatchSpan | undefined {
    if (!this.#has(position, BATCH_HEADER_SIZE)) return undefined
    const span = spanAt(this.#chunk, position - this.#position, position)
    if (typeof span === 'string' || span.size > this.#size - position) return undefined
    return span.baseOffset < this.#segment.baseOffset || span.lastOffset >= this.#endOffset ? undefined : span
  }

  #has(position: number, count: number): boolean {
    return position >= this.#position && position + count <= this.#position + this.#chunk.length
  }

  /** Reads up to `wanted` bytes; at least `need` of them, where the segment has as many. */
  async #load(position: number, wanted: number, need = BATCH_HEADER_SIZE): Promise<void> {
    if ((await this.#second()) && this.#has(position, Math.min(need, this.#size - position))) return
    const count = Math.min(Math.max(wanted, need, READ_BYTES_MIN), this.#size - position)
    this.#position = position
    if (count <= 0) {
      this.#chunk = EMPTY
      return
    }
    const view = this.#file.view?.(position, count)
    if (view !== undefined && view.length >= Math.min(need, count)) {
      this.#chunk = view
      return
    }
    const { memory } = this.#request
    const target =
      memory !== undefined && memory.length >= count ? memory.subarray(0, count) : Buffer.allocUnsafe(count)
    const half = count < HALVED_BYTES_MIN ? count : Math.max(need, count >>> 1)
    const first = this.#file.read(target.subarray(0, half), position)
    if (half < count) {
      this.#rest = this.#both(first, target, { half, position })
      // Whoever wants it is told of a failure; perhaps nobody does.
      this.#rest.catch(() => undefined)
    }
    this.#chunk = target.subarray(0, await first)
  }

  async #both(
    first: Promise<number>,
    target: Buffer,
    { half, position }: { half: number; position: number },
  ): Promise<Buffer> {
    const second = await this.#file.read(target.subarray(half), position + half)
    return target.subarray(0, (await first) < half ? await first : half + second)
  }

  /** Waits for the second half of the chunk. Answers whether there was one on its way. */
  async #second(): Promise<boolean> {
    if (this.#rest === undefined) return false
    const rest = this.#rest
    try {
      this.#chunk = await rest
    } finally {
      this.#rest = undefined
    }
    return true
  }

  #corrupt(position: number, expected: number): VarveError {
    const { offset } = this.#request
    const { logPath } = this.#segment
    return this.#state.error(
      'CORRUPT_MESSAGE',
      `The offset ${offset} of ${this.#state.name} cannot be read: the batch at position ${position} of ${logPath}, offset ${expected}, is damaged; read on from a later offset, or restore the file.`,
      { path: logPath, position, offset },
    )
  }
}
