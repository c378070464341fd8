import { isVarveError, VarveError } from '@varve/platform'
import { readBatchSize, readLastOffset } from '@varve/records'
import type { LogSegment } from '../segment/log-segment.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { LogState } from './log-state.ts'
import type { SegmentIndexAccess } from './segment-index-access.ts'
import { MAX_BYTES_DEFAULT, SegmentRead, type SegmentStart } from './segment-read.ts'
import { PartitionTail } from './tail-cache.ts'

export interface ReadRequest {
  /** The first offset that is wanted; the batch that holds it comes whole. */
  readonly offset: number
  /** Bytes that may come. Default 1 MiB. */
  readonly maxBytes?: number
  /** Whether the first batch comes even if it is larger than `maxBytes`. Default true. */
  readonly minOneBatch?: boolean
  /** Up to where. Default `highWatermark`: what is acknowledged. */
  readonly upTo?: 'highWatermark' | 'logEnd'
  /** `read_committed` ends at the last stable offset and says which transactions were aborted. Default `read_uncommitted`. */
  readonly isolation?: IsolationLevel
  /** Where the bytes are read into, if they fit: for a caller that is done with them before it reads again. */
  readonly memory?: Buffer
}

export type IsolationLevel = 'read_uncommitted' | 'read_committed'

/** A transaction whose batches, from `firstOffset` up to its marker, are not for readers of committed records. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** What a read found. */
export interface FetchData {
  /** Whole batches; the first one may start below the offset that was asked for. Empty at the end. */
  readonly bytes: Buffer
  readonly highWatermark: number
  /** Everything below is decided: committed, aborted or of no transaction. */
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Of `read_committed`: those that touch the batches, in the order of their markers. */
  readonly abortedTransactions: readonly AbortedTransaction[]
}

const HINTS_MAX = 16
const EMPTY = Buffer.alloc(0)
const NONE: readonly AbortedTransaction[] = []

/**
 * Reads whole batches. Each batch that it returns was compared with its checksum and continues the one before it; each
 * position that an index gives was compared with the batch found there.
 */
export class LogReader {
  readonly #state: LogState
  readonly #indexes: SegmentIndexAccess
  /** Where readers that go on will go on, by offset. Segments by their ids: one that is gone is not kept by it. */
  readonly #hints = new Map<number, { segment: number; position: number }>()
  #filesHaveViews: boolean | undefined

  constructor(state: LogState, indexes: SegmentIndexAccess) {
    this.#state = state
    this.#indexes = indexes
  }

  async read(request: ReadRequest): Promise<FetchData> {
    const state = this.#state
    state.checkOpen()
    const { offset } = request
    this.#checkRange(offset)
    const committed = request.isolation === 'read_committed'
    let limit = request.upTo === 'logEnd' && !state.untrusted ? state.logEndOffset : state.highWatermark
    if (committed) limit = Math.min(limit, state.lastStableOffset)
    if (offset < limit) {
      try {
        const bytes = this.#fromTail(request, limit) ?? (await this.#readFrom(request, limit))
        const aborted = committed && bytes.length > 0 ? await this.#abortedIn(bytes, offset) : NONE
        // With what was deleted meanwhile went what was known of its transactions.
        if (committed && offset < state.logStartOffset) throw this.#outOfRange(offset)
        return this.#answer(bytes, aborted)
      } catch (error) {
        // What it was about to read was deleted meanwhile.
        if (offset < state.logStartOffset) throw this.#outOfRange(offset)
        throw error
      }
    }
    this.#caughtUp()
    // After a failed sync nothing will come any more: who waits for it must know.
    if (state.untrusted && state.offline !== undefined) throw state.offline
    return this.#answer(EMPTY)
  }

  #answer(bytes: Buffer, abortedTransactions = NONE): FetchData {
    const { highWatermark, lastStableOffset, logStartOffset, logEndOffset } = this.#state
    return { bytes, highWatermark, lastStableOffset, logStartOffset, logEndOffset, abortedTransactions }
  }

  async #abortedIn(bytes: Buffer, offset: number): Promise<readonly AbortedTransaction[]> {
    let next = offset
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) next = readLastOffset(bytes, at) + 1
    const txns = await this.#state.abortedTxns.collect(offset, next)
    if (plantedBugs.abortedDataShown) return NONE
    return txns.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
  }

  /** What somebody reads at the end of the log comes from memory, where files do not lie in memory themselves. */
  #fromTail({ offset, maxBytes, minOneBatch, memory }: ReadRequest, limit: number): Buffer | undefined {
    return this.#state.tail?.read({
      offset,
      limit,
      maxBytes: maxBytes ?? MAX_BYTES_DEFAULT,
      minOneBatch: minOneBatch !== false,
      memory,
    })
  }

  #caughtUp(): void {
    const { tail, context, closed } = this.#state
    if (tail !== undefined) tail.want()
    else if (this.#filesHaveViews === false && !context.readOnly && !closed) {
      this.#state.tail = new PartitionTail(context.tails)
      this.#state.tail.want()
    }
  }

  #checkRange(offset: number): void {
    const { logStartOffset, logEndOffset } = this.#state
    if (!(offset >= logStartOffset && offset <= logEndOffset)) throw this.#outOfRange(offset)
  }

  async #readFrom(request: ReadRequest, limit: number): Promise<Buffer> {
    const state = this.#state
    const { gaps, folder } = state
    let wanted = request.offset
    for (let segment = state.segments.floor(wanted); segment !== undefined;) {
      const from: LogSegment = segment
      let bytes: Buffer | undefined
      try {
        bytes = await this.#inSegment(from, { ...request, offset: wanted }, limit)
      } catch (error) {
        if (!isVarveError(error, 'NOT_FOUND')) throw error
        if (state.segments.has(from)) throw this.#vanished(from, wanted)
        // It was deleted or swapped meanwhile: the offset is out of range now, or in another segment.
        this.#checkRange(request.offset)
        segment = state.segments.floor(wanted)
        continue
      }
      if (bytes !== undefined) return bytes
      // Nothing at or above the offset in this segment: compaction took it, or a file is missing.
      segment = state.segments.after(from)
      if (segment === undefined || segment.baseOffset >= limit)
        return gaps ? EMPTY : this.#missing(wanted, folder)
      if (!gaps && segment.baseOffset > wanted) return this.#missing(wanted, folder)
      wanted = Math.max(wanted, segment.baseOffset)
    }
    this.#checkRange(request.offset)
    return this.#missing(wanted, folder)
  }

  /** Undefined where the segment ends before the offset. */
  async #inSegment(segment: LogSegment, request: ReadRequest, limit: number): Promise<Buffer | undefined> {
    const { offset } = request
    const hint = this.#hints.get(offset)
    const hinted = hint?.segment === segment.id ? hint : undefined
    let start: SegmentStart =
      hinted === undefined
        ? await this.#start(segment, offset)
        : { position: hinted.position, expected: offset }
    let anchors: ReadonlySet<number> | undefined
    for (let rebuilt = false; ;) {
      const outcome = await this.#state.context.files.use(segment.logPath, file => {
        this.#filesHaveViews = file.view !== undefined
        return new SegmentRead(this.#state, { segment, file, request, limit, anchors }).run(start)
      })
      if (outcome === 'behind') return undefined
      if (outcome === 'index-lies') {
        if (!rebuilt) await this.#indexes.rebuild(segment)
        start = rebuilt ? { position: 0, expected: segment.baseOffset } : await this.#start(segment, offset)
        rebuilt = true
      } else if ('damage' in outcome) {
        anchors = await this.#indexes.anchors(segment, outcome.damage)
      } else {
        const { found, next, nextPosition } = outcome
        if (next !== undefined && nextPosition !== undefined) this.#hint(next, segment, nextPosition)
        if (next === this.#state.highWatermark) this.#caughtUp()
        return found
      }
    }
  }

  async #start(segment: LogSegment, offset: number): Promise<SegmentStart> {
    const entry = offset === segment.baseOffset ? undefined : await this.#indexes.floor(segment, offset)
    return entry === undefined
      ? { position: 0, expected: segment.baseOffset }
      : { position: entry.position, lastOffset: entry.offset }
  }

  #hint(offset: number, segment: LogSegment, position: number): void {
    if (this.#hints.size >= HINTS_MAX)
      for (const oldest of this.#hints.keys()) {
        this.#hints.delete(oldest)
        break
      }
    this.#hints.set(offset, { segment: segment.id, position })
  }

  #missing(offset: number, folder: string): never {
    throw this.#state.error(
      'CORRUPT_MESSAGE',
      `The offset ${offset} of ${this.#state.name} is in no file of ${folder}; read on from a later offset, or restore the files.`,
      { offset, path: folder },
    )
  }

  #vanished(segment: LogSegment, offset: number): VarveError {
    return this.#state.error(
      'CORRUPT_MESSAGE',
      `The offset ${offset} of ${this.#state.name} cannot be read: its file ${segment.logPath} is gone; restore it, or read on from a later offset.`,
      { offset, path: segment.logPath, position: 0 },
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
