import type { VfsFile } from '@varve/platform'
import { readBatchSize, readLastOffset, readMaxTimestamp } from '@varve/records'
import { gather } from '../files/gather.ts'
import { logLimits } from '../limits.ts'
import { preallocate, trimPreallocated } from '../segment/preallocation.ts'
import { LogSegment } from '../segment/log-segment.ts'
import { SegmentIndexes } from '../segment/segment-indexes.ts'
import type { PendingAppend } from './append-queue.ts'
import type { LogFlusher } from './log-flusher.ts'
import type { LogState } from './log-state.ts'
import { readTail } from './unread-tail.ts'

/** Offsets in an index are relative, in 31 bits. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1
/** What a random number may be drawn below. */
const JITTER_MS_MAX = 2 ** 48

/** Writes appends to the newest segment, and rolls to a new one when the next append does not fit. */
export class SegmentWriter {
  readonly #state: LogState
  readonly #flusher: LogFlusher
  /** Segments that were rolled and whose indexes are to be saved for good. */
  readonly #rolled: LogSegment[] = []

  constructor(state: LogState, flusher: LogFlusher) {
    this.#state = state
    this.#flusher = flusher
  }

  /**
   * Writes the appends from `from` on, as many as fit into one segment, in one call.
   *
   * @returns the number of appends that are written now
   */
  async write(appends: readonly PendingAppend[], from: number): Promise<number> {
    const state = this.#state
    const first = appends[from]
    if (first === undefined) return from
    // An append that the log has already: what it waits for came before it.
    if (first.bytes.length === 0) return from + 1
    if (state.tailUnread) await readTail(state)
    state.settled = false
    let segment = state.segments.last
    if (segment?.indexes === undefined || this.#mustRoll(segment, segment.size, first))
      segment = await this.#roll(first.baseOffset)
    if (segment.size === 0 && state.config.preallocate && !segment.preallocated)
      await preallocate(state, segment)
    // No pause without need: in the common case the system call is under way when this returns.
    if (state.epochs.changed || (state.epochs.latest?.epoch ?? -1) < state.leaderEpoch)
      await this.#noteEpoch(first.baseOffset)
    const buffers: Buffer[] = []
    let size = segment.size
    let to = from
    for (let next: PendingAppend | undefined = first; next !== undefined; next = appends[to]) {
      if (next.bytes.length === 0) break
      if (to > from && (this.#indexesNearlyFull(segment) || this.#mustRoll(segment, size, next))) break
      buffers.push(next.bytes)
      size += next.bytes.length
      to++
    }
    await this.#writeBuffers(segment, buffers)
    const { tail } = state
    if (tail?.wanted === true)
      for (let index = from; index < to; index++) {
        const append = appends[index]
        if (append !== undefined) tail.append(append.bytes, append.baseOffset)
      }
    // From here to the log's end in one go: readers bound offsets by it, and bytes by the size.
    for (const buffer of buffers) this.#noteBatches(segment, buffer)
    const bytes = size - segment.size
    segment.size = size
    segment.indexesChanged = true
    segment.writtenAt = state.context.clock.now()
    state.dirty.add(segment)
    this.#noteProducers(segment, appends, { from, to, bytes })
    state.logEndOffset = (appends[to - 1]?.lastOffset ?? state.logEndOffset - 1) + 1
    return to
  }

  /** Whether `saveIndexes` has something to do; no write may be under way then. */
  get indexesNeedSaving(): boolean {
    const newest = this.#state.segments.last
    if (this.#rolled.length > 0) return true
    if (newest?.indexes === undefined) return false
    return newest.indexes.offsets.stored.unsaved >= logLimits.unsavedIndexEntriesMax
  }

  /** Begins a new segment behind the last record. No write may be under way. */
  async roll(): Promise<void> {
    const state = this.#state
    if (state.tailUnread) await readTail(state)
    state.settled = false
    await this.#roll(state.logEndOffset)
  }

  /** Saves the indexes that are too far ahead of their files. A failure costs a later recovery some reading. */
  async saveIndexes(): Promise<void> {
    const { segments, context } = this.#state
    const newest = segments.last
    const indexes = newest?.indexes
    try {
      for (let segment = this.#rolled[0]; segment !== undefined; segment = this.#rolled[0]) {
        await this.#saveRolled(segment)
        this.#rolled.shift()
      }
      if (this.#state.abortedTxns.isChanged) await this.#state.abortedTxns.save({ sync: false })
      if (newest === undefined || indexes === undefined) return
      if (indexes.offsets.stored.unsaved < logLimits.unsavedIndexEntriesMax) return
      await context.indexes.save(newest, indexes, { sync: false })
    } catch (error) {
      context.logger.warn({ path: this.#state.folder, error }, 'The indexes of a segment could not be saved.')
    }
  }

  async #saveRolled(segment: LogSegment): Promise<void> {
    const { indexes: store } = this.#state.context
    for (let saving = segment.indexes; saving !== undefined && !segment.deleted; saving = segment.indexes) {
      saving.seal()
      segment.largestTimestamp = saving.maxTimestamp
      await store.save(segment, saving, { sync: true })
      // A reader may have found that they lie, and made them anew meanwhile.
      if (segment.indexes !== saving) continue
      store.keep(segment, saving)
      segment.indexesChanged = false
      segment.indexes = undefined
    }
  }

  /** As Kafka's `LogSegment.shouldRoll`. */
  #mustRoll(segment: LogSegment, size: number, append: PendingAppend): boolean {
    const { segmentBytes, segmentMs, segmentIndexBytes } = this.#state.config
    const { rollTimestamp = -1 } = segment
    if (segment.sealed) return true
    if (size === 0) {
      // A partition's first segment is as old as its first append.
      segment.createdAt ??= this.#state.context.clock.now()
      return false
    }
    if (size + append.bytes.length > segmentBytes) return true
    if (append.lastOffset - segment.baseOffset > RELATIVE_OFFSET_MAX) return true
    // By the time of the records, and only where the first batch has none by that of the machine.
    const waited = rollTimestamp >= 0 ? append.maxTimestamp - rollTimestamp : this.#age(segment)
    if (waited > segmentMs - this.#jitterOf(segment)) return true
    return segment.indexes?.isFull(segmentIndexBytes) ?? true
  }

  #age(segment: LogSegment): number {
    const now = this.#state.context.clock.now()
    return now - (segment.createdAt ??= now)
  }

  /** Another random part of `segment.jitter.ms` for each segment, so that not all logs roll at once. */
  #jitterOf(segment: LogSegment): number {
    const { context, config } = this.#state
    const most = Math.min(config.segmentJitterMs, config.segmentMs, JITTER_MS_MAX)
    return most <= 0 ? 0 : (segment.rollJitterMs ??= context.random.int(most))
  }

  /** Entries are added after the write; near the end of an index every append has to be looked at by itself. */
  #indexesNearlyFull(segment: LogSegment): boolean {
    const bytes = this.#state.config.segmentIndexBytes - 12 * logLimits.appendRoundBuffersMax
    return segment.indexes?.isFull(bytes) ?? true
  }

  async #roll(baseOffset: number): Promise<LogSegment> {
    this.#state.snapshots.rolled()
    const { context, segments, folder } = this.#state
    const previous = segments.last
    const segment = new LogSegment(folder, baseOffset, 0)
    if (previous?.baseOffset === baseOffset && previous.size === 0 && !previous.sealed) {
      previous.indexes = SegmentIndexes.empty(baseOffset)
      return previous
    }
    if (previous?.preallocated === true) {
      // Before a segment follows: where one does, nobody looks for the end among zeros any more.
      await trimPreallocated(this.#state, previous)
      await this.#flusher.flush()
    }
    const file = await context.vfs.open(segment.logPath, 'create')
    try {
      const { size } = await file.stat()
      if (size > 0)
        throw this.#state.error(
          'KAFKA_STORAGE_ERROR',
          `The file ${segment.logPath} of a new segment holds ${size} bytes already; move it away.`,
          { path: segment.logPath },
        )
    } finally {
      await file.close()
    }
    this.#state.folderDirty = true
    if (previous?.indexes !== undefined) {
      previous.indexes.seal()
      this.#rolled.push(previous)
    }
    segment.indexes = SegmentIndexes.empty(baseOffset)
    segment.indexesChanged = true
    segment.timesChecked = true
    segment.createdAt = context.clock.now()
    segments.add(segment)
    return segment
  }

  /** The epoch's start is on the disk before any record of it. */
  async #noteEpoch(startOffset: number): Promise<void> {
    const { epochs, leaderEpoch, context, folder } = this.#state
    epochs.assign(leaderEpoch, startOffset)
    if (epochs.changed) await epochs.write(context.vfs, folder)
  }

  async #writeBuffers(segment: LogSegment, buffers: readonly Buffer[]): Promise<void> {
    await this.#state.context.files.use(segment.logPath, async file => {
      const gathered = gather(buffers)
      try {
        await file.write(gathered.buffers, segment.size)
      } catch (error) {
        await this.#cut(segment, file, error)
        throw error
      } finally {
        gathered.release()
      }
    })
  }

  /** Takes back what a failed write may have left; if even that fails, nothing more may be appended. */
  async #cut(segment: LogSegment, file: VfsFile, cause: unknown): Promise<void> {
    const state = this.#state
    // Unsynced, the bytes may come back after a loss of power, under what a later segment was acknowledged for.
    state.dirty.add(segment)
    try {
      await file.truncate(segment.size)
    } catch {
      state.offline = state.error(
        'KAFKA_STORAGE_ERROR',
        `The partition ${state.name} takes no more appends: a write to ${segment.logPath} failed and its rest could not be cut; open the directory again.`,
        { path: segment.logPath, position: segment.size },
        cause,
      )
    }
  }

  #noteProducers(
    segment: LogSegment,
    appends: readonly PendingAppend[],
    { from, to, bytes }: { from: number; to: number; bytes: number },
  ): void {
    const { producers, snapshots, abortedTxns } = this.#state
    snapshots.wrote(bytes)
    for (let at = from; at < to; at++) {
      const updates = appends[at]?.producers
      if (updates === undefined) continue
      for (const txn of producers.written(updates)) abortedTxns.append(segment, txn)
    }
  }

  #noteBatches(segment: LogSegment, buffer: Buffer): void {
    const { indexIntervalBytes } = this.#state.config
    let position = segment.notedSize
    for (let at = 0; at < buffer.length;) {
      const size = readBatchSize(buffer, at)
      const maxTimestamp = readMaxTimestamp(buffer, at)
      if (position === 0) segment.rollTimestamp = maxTimestamp
      segment.indexes?.note(
        { position, size, lastOffset: readLastOffset(buffer, at), maxTimestamp },
        indexIntervalBytes,
      )
      position += size
      at += size
    }
    segment.notedSize = position
  }
}
