import { isVarveError, VarveError, type VfsFile } from '@varve/platform'
import { BATCH_HEADER_SIZE, checkBatch } from '@varve/records'
import type { LogSegment } from '../segment/log-segment.ts'
import { spanAt, type BatchSpan } from '../segment/segment-scanner.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { LogState } from './log-state.ts'
import type { SegmentIndexAccess } from './segment-index-access.ts'

export interface ReadRequest {
  /** The first offset that is wanted; the batch that holds it comes whole. */
  readonly offset: number
  /** Bytes that may come. Default 1 MiB. */
  readonly maxBytes?: number
  /** Whether the first batch comes even if it is larger than `maxBytes`. Default true. */
  readonly minOneBatch?: boolean
  /** Up to where. Default `highWatermark`: what is acknowledged. */
  readonly upTo?: 'highWatermark' | 'logEnd'
  /** Where the bytes are read into, if they fit: for a caller that is done with them before it reads again. */
  readonly memory?: Buffer
}

/** What a read found. */
export interface FetchData {
  /** Whole batches; the first one may start below the offset that was asked for. Empty at the end. */
  readonly bytes: Buffer
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly logEndOffset: number
}

const MAX_BYTES_DEFAULT = 1024 * 1024
const HINTS_MAX = 16
const READ_BYTES_MIN = 4096
const EMPTY = Buffer.alloc(0)

/** Where to begin in a segment, and what is known of the batch there. */
interface Start {
  readonly position: number
  /** The offset that is due at that position. */
  readonly expected: number
  /** What the index says that the batch's last offset is. */
  readonly lastOffset?: number
}

/**
 * Reads whole batches. Each batch that it returns was compared with its checksum and continues the one before it; each
 * position that an index gives was compared with the batch found there.
 */
export class LogReader {
  readonly #state: LogState
  readonly #indexes: SegmentIndexAccess
  /** Where readers that go on will go on: offset to position. */
  readonly #hints = new Map<number, { segment: LogSegment; position: number }>()

  constructor(state: LogState, indexes: SegmentIndexAccess) {
    this.#state = state
    this.#indexes = indexes
  }

  async read(request: ReadRequest): Promise<FetchData> {
    const state = this.#state
    state.checkOpen()
    const { offset } = request
    if (!(offset >= state.logStartOffset && offset <= state.logEndOffset)) throw this.#outOfRange(offset)
    const limit = request.upTo === 'logEnd' && !state.untrusted ? state.logEndOffset : state.highWatermark
    if (offset < limit) {
      try {
        return this.#answer(await this.#readFrom(request, limit))
      } catch (error) {
        // What it was about to read was deleted meanwhile.
        if (offset < state.logStartOffset) throw this.#outOfRange(offset)
        throw error
      }
    }
    // After a failed sync nothing will come any more: who waits for it must know.
    if (state.untrusted && state.offline !== undefined) throw state.offline
    return this.#answer(EMPTY)
  }

  #answer(bytes: Buffer): FetchData {
    const { highWatermark, logStartOffset, logEndOffset } = this.#state
    return { bytes, highWatermark, logStartOffset, logEndOffset }
  }

  async #readFrom(request: ReadRequest, limit: number): Promise<Buffer> {
    const { segments, gaps, folder, context } = this.#state
    let wanted = request.offset
    for (let segment = segments.floor(wanted); segment !== undefined;) {
      const from = segment
      const bytes = await context.files.use(from.logPath, file =>
        new SegmentRead(this.#state, this.#indexes, from, file, { ...request, offset: wanted }, limit).run(
          this.#hints,
        ),
      )
      if (bytes !== undefined) return bytes
      // Nothing at or above the offset in this segment: compaction took it, or a file is missing.
      segment = segments.after(from)
      if (segment === undefined || segment.baseOffset >= limit)
        return gaps ? EMPTY : this.#missing(wanted, folder)
      if (!gaps && segment.baseOffset > wanted) return this.#missing(wanted, folder)
      wanted = Math.max(wanted, segment.baseOffset)
    }
    return this.#missing(wanted, folder)
  }

  #missing(offset: number, folder: string): never {
    throw this.#state.error(
      'CORRUPT_MESSAGE',
      `The offset ${offset} of ${this.#state.name} is in no file of ${folder}; read on from a later offset, or restore the files.`,
      { offset, path: folder },
    )
  }

  #outOfRange(offset: number): VarveError {
    const { name, logStartOffset, logEndOffset, topicPartition } = this.#state
    return new VarveError(
      'OFFSET_OUT_OF_RANGE',
      `The offset ${offset} is outside of ${name}, which has offsets ${logStartOffset} to ${logEndOffset}; read from within that range.`,
      {
        context: { ...topicPartition, offset, min: logStartOffset, max: logEndOffset },
      },
    )
  }
}

/** One read in one segment. */
class SegmentRead {
  readonly #state: LogState
  readonly #indexes: SegmentIndexAccess
  readonly #segment: LogSegment
  readonly #file: VfsFile
  readonly #request: ReadRequest
  readonly #limit: number
  readonly #size: number
  readonly #endOffset: number
  readonly #maxBytes: number
  #chunk: Buffer = EMPTY
  /** Where the chunk lies in the file. */
  #position = 0

  constructor(
    state: LogState,
    indexes: SegmentIndexAccess,
    segment: LogSegment,
    file: VfsFile,
    request: ReadRequest,
    limit: number,
  ) {
    this.#state = state
    this.#indexes = indexes
    this.#segment = segment
    this.#file = file
    this.#request = request
    this.#limit = limit
    this.#size = segment.size
    this.#endOffset = state.endOffsetOf(segment)
    this.#maxBytes = request.maxBytes ?? MAX_BYTES_DEFAULT
  }

  /** The batches, empty where the limit comes first, undefined where the segment ends before the offset. */
  async run(hints: Map<number, { segment: LogSegment; position: number }>): Promise<Buffer | undefined> {
    const { offset } = this.#request
    const hint = hints.get(offset)
    let start: Start
    if (hint?.segment === this.#segment) {
      start = { position: hint.position, expected: offset }
      await this.#load(hint.position, this.#maxBytes)
    } else {
      start = await this.#indexed()
    }
    const found = await this.#walk(start)
    if (found === undefined || found.length === 0) return found
    if (hints.size >= HINTS_MAX)
      for (const oldest of hints.keys()) {
        hints.delete(oldest)
        break
      }
    hints.set(this.#next, { segment: this.#segment, position: this.#nextPosition })
    return found
  }

  #next = 0
  #nextPosition = 0

  /** Begins where the index says, if the batch there is the one that it means; a lying index is made anew. */
  async #indexed(): Promise<Start> {
    const { offset } = this.#request
    const slack = this.#state.config.indexIntervalBytes
    for (let attempt = 0; attempt < 2; attempt++) {
      const indexes =
        attempt === 0 ? await this.#indexes.of(this.#segment) : await this.#indexes.rebuild(this.#segment)
      const entry = indexes.offsets.floor(offset)
      if (entry === undefined) break
      await this.#load(entry.position, this.#maxBytes + slack)
      const span = this.#spanAt(entry.position)
      if (span?.lastOffset === entry.offset) return { position: entry.position, expected: span.baseOffset }
      if (plantedBugs.indexTrustedUnchecked)
        return { position: entry.position, expected: span?.baseOffset ?? entry.offset }
    }
    await this.#load(0, this.#maxBytes + slack)
    return { position: 0, expected: this.#segment.baseOffset }
  }

  async #walk(start: Start): Promise<Buffer | undefined> {
    const { offset } = this.#request
    let { position, expected } = start
    let previous: BatchSpan | undefined
    while (position < this.#size) {
      if (!this.#has(position, BATCH_HEADER_SIZE)) await this.#load(position, this.#maxBytes)
      const span = this.#spanAt(position)
      const sound = span !== undefined && this.#continues(expected, span)
      if (sound && span.baseOffset >= this.#limit) return EMPTY
      if (sound && span.lastOffset < offset) {
        position += span.size
        expected = span.lastOffset + 1
        previous = span
        continue
      }
      const collected = sound ? await this.#collect(span, expected) : undefined
      if (collected !== undefined) return collected
      // Damage. What comes behind it may hold the offset, or the offset is lost.
      const behind = await this.#soundBehind(position, expected, previous)
      if (behind === undefined || behind.baseOffset > offset) throw this.#corrupt(position, expected)
      position = behind.position
      expected = behind.baseOffset
      previous = undefined
    }
    return undefined
  }

  /** Whole sound batches from `first` on; undefined when already the first is damaged. */
  async #collect(first: BatchSpan, expected: number): Promise<Buffer | undefined> {
    if (this.#request.minOneBatch === false && first.size > this.#maxBytes) return EMPTY
    if (!this.#has(first.position, first.size)) await this.#load(first.position, this.#maxBytes, first.size)
    const from = first.position - this.#position
    let end = from
    let next = expected
    while (this.#chunk.length - end >= BATCH_HEADER_SIZE) {
      const span = this.#spanAt(this.#position + end)
      if (span === undefined || !this.#continues(next, span) || span.lastOffset >= this.#limit) break
      if (end + span.size > this.#chunk.length) break
      if (end > from && end - from + span.size > this.#maxBytes) break
      if (!this.#checksumHolds(end, span)) break
      end += span.size
      next = span.lastOffset + 1
    }
    if (end === from) return undefined
    this.#next = next
    this.#nextPosition = this.#position + end
    return this.#chunk.subarray(from, end)
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
    const indexes = await this.#indexes.of(this.#segment)
    const scanner = this.#indexes.scanner(this.#segment, this.#file, this.#size)
    return scanner.findSoundAfter({ position, expected, previous }, at => indexes.offsets.hasPosition(at))
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
    const found = await this.#file.read(target, position)
    this.#chunk = target.subarray(0, found)
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
