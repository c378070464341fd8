import type { VfsFile } from '@varve/platform'
import type { DurableNote } from '../checkpoints/durable-note.ts'
import { loadProducers, loadSettledProducers } from '../producer/producer-state-loader.ts'
import { removeFile } from '../checkpoints/checkpoint-file.ts'
import { LeaderEpochs } from '../checkpoints/leader-epoch-checkpoint.ts'
import { removeDeleted, splitLeftovers } from '../retention/leftovers.ts'
import { LogSegment, LogSegments } from '../segment/log-segment.ts'
import { SegmentIndexes } from '../segment/segment-indexes.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { Finding, FindingKind } from './finding.ts'
import type { LogState } from './log-state.ts'
import type { PartitionFiles } from './partition-files.ts'
import { isSettled } from './settled-log.ts'
import { SegmentRecovery, type RecoveredSegment } from './segment-recovery.ts'
import { TailKeeper } from './tail-keeper.ts'
import { cutTail, setSegmentAside, setTailAside } from './torn-tail.ts'

/** What the checkpoints of the directory say about a partition. */
export interface KnownOffsets {
  readonly recoveryPoint?: number | undefined
  readonly logStartOffset?: number | undefined
  readonly note?: DurableNote | undefined
  /** Whether the cleaner was here. */
  readonly compacted: boolean
  /** Leaves the producers to the caller, who knows them up to an earlier end. Default false. */
  readonly withoutProducers?: boolean
}

/**
 * Brings a log's state into memory: the segments below the durable offset as they are, those above batch by batch.
 * What is found above the durable offset is either sound, and then made durable before anyone sees it, or set aside.
 * Damage below it is named and left alone. Read-only, all of this happens in memory.
 */
export class LogLoader {
  /** Files of which damage was told. */
  readonly #corrupt = new Set<string>()
  readonly #state: LogState
  readonly #known: KnownOffsets
  readonly #report: (finding: Finding) => void
  readonly #durable: number

  constructor(state: LogState, known: KnownOffsets, report: (finding: Finding) => void) {
    this.#state = state
    this.#known = known
    this.#report = report
    this.#durable = Math.max(known.recoveryPoint ?? 0, known.note?.durableOffset ?? 0)
    state.compacted = known.compacted
  }

  /**
   * Takes a log that was closed in order, and not touched since, for what its note says, without a look into its files:
   * the newest segment is the one that was noted and has as many bytes, all of them durable. What somebody changed
   * within them is found as in every other segment: when it is read, or before something is appended behind it.
   *
   * @returns whether it is such a log; otherwise nothing has happened
   */
  loadSettled(files: PartitionFiles): boolean {
    const state = this.#state
    const { note } = this.#known
    const { epochs, segments } = files
    if (note === undefined || epochs === undefined || note.durableOffset !== this.#durable) return false
    if (!isSettled(note, files) || (files.deleted.length > 0 && !state.context.readOnly)) return false
    const end = note.durableOffset
    if (!loadSettledProducers(state, files, end)) return false
    this.#tellUnknown(files)
    state.epochs = epochs
    state.segments = new LogSegments(segments)
    this.#setOffsets(end)
    state.durableSegment = note.segment
    state.durablePosition = note.position
    state.settled = state.tailUnread = true
    return true
  }

  async load(files: PartitionFiles): Promise<void> {
    const state = this.#state
    this.#tellUnknown(files)
    this.#takeEpochs(files)
    const { leftovers, rest } = splitLeftovers([...new LogSegments(files.segments)], {
      logStart: this.#known.logStartOffset ?? 0,
      durable: this.#durable,
    })
    const { segments, empty } = this.#split(rest)
    const end = await this.#recover(segments)
    state.segments = new LogSegments([...leftovers, ...segments])
    await this.#settleEmpty(empty, end)
    // Nothing that Kafka or Varve does empties the beginning of a log.
    const emptied = empty.find(({ baseOffset }) => baseOffset < (segments[0]?.baseOffset ?? 0))?.baseOffset
    this.#setOffsets(end, emptied)
    if (this.#known.withoutProducers !== true) {
      const damage = await loadProducers(state, files, this.#durable)
      if (damage && !this.#corrupt.has(damage.path)) this.#find('corruption', damage, damage.message)
    }
    if (!state.context.readOnly) await this.#finish(files)
  }

  /**
   * Tells the segments from empty files, which say nothing about the segment before them. But the log goes on where it
   * was durable, and skips no offset: an empty file there is its beginning, which what lies behind it does not continue.
   */
  #split(found: readonly LogSegment[]): { segments: LogSegment[]; empty: LogSegment[] } {
    const segments = found.filter(({ size }) => size > 0)
    const first = segments[0]?.baseOffset ?? Infinity
    if (first > this.#durable) {
      const below = found.filter(({ size, baseOffset }) => size === 0 && baseOffset < first)
      const beginning = below.findLast(({ baseOffset }) => baseOffset <= this.#durable) ?? below[0]
      if (beginning !== undefined) segments.unshift(beginning)
    }
    return { segments, empty: found.filter(segment => !segments.includes(segment)) }
  }

  /** Goes through the segments that reach above the durable offset. Answers the offset behind the log's last record. */
  async #recover(segments: LogSegment[]): Promise<number> {
    const { name, folder } = this.#state
    const durable = this.#durable
    if (segments.length === 0) {
      if (durable > 0) {
        this.#find(
          'missing-data',
          { path: folder, offset: durable },
          `The folder of ${name} holds no segment, but offsets up to ${durable} were durable; reads of them fail.`,
        )
      }
      return Math.max(durable, this.#known.logStartOffset ?? 0)
    }
    let slot = Math.max(
      0,
      segments.findLastIndex(segment => segment.baseOffset <= durable),
    )
    let expected = segments[slot]?.baseOffset ?? 0
    for (; slot < segments.length; slot++) {
      const segment = segments[slot]
      if (segment === undefined) break
      const follows = this.#state.gaps ? segment.baseOffset >= expected : segment.baseOffset === expected
      if (!follows && segment.baseOffset > durable) {
        await this.#setAside(segments, slot, expected)
        break
      }
      if (!follows) this.#missing(segment, expected, segment.baseOffset)
      const recovered = await this.#recoverSegment(segment, segments[slot + 1])
      expected = recovered.endOffset
      // Where the next segment continues, what was torn are the remains of a failed write.
      if (recovered.torn === undefined || segments[slot + 1]?.baseOffset === expected) continue
      await this.#setAside(segments, slot + 1, expected)
      break
    }
    if (expected < durable) {
      const last = segments.at(-1)
      if (last !== undefined) this.#missing(last, expected, durable)
      return durable
    }
    return expected
  }

  /**
   * An empty file is the newest segment or what a failed roll left. It says nothing about the segment before it, which
   * may have taken appends since.
   */
  async #settleEmpty(empty: readonly LogSegment[], end: number): Promise<void> {
    const state = this.#state
    const { segments, context } = state
    for (const segment of empty) {
      const newest = segments.last
      if (segment.baseOffset === end && newest?.baseOffset !== end) {
        if (newest?.indexes !== undefined) {
          newest.indexes.seal()
          context.indexes.keep(newest, newest.indexes)
          newest.indexes = undefined
        }
        segment.indexes = SegmentIndexes.empty(end)
        segment.indexesChanged = true
        segments.add(segment)
      } else if (!context.readOnly) {
        await removeFile(context.vfs, segment.logPath)
        state.folderDirty = true
      }
    }
  }

  async #recoverSegment(segment: LogSegment, next: LogSegment | undefined): Promise<RecoveredSegment> {
    const { files, indexes, syncs, readOnly } = this.#state.context
    const found = await this.#readIndexes(segment)
    return files.use(segment.logPath, async file => {
      const keeper = readOnly ? undefined : new TailKeeper(file, syncs)
      const recovery = new SegmentRecovery({
        segment,
        file,
        state: this.#state,
        durable: this.#durable,
        trustAbove: this.#known.note?.state !== 'failed' || plantedBugs.pageCacheTrusted,
        endOffset: next?.baseOffset ?? Number.MAX_SAFE_INTEGER,
        keeper,
        report: (kind, position, offset, message) => {
          this.#find(kind, { path: segment.logPath, position, offset }, message)
        },
      })
      const recovered = await recovery.run(found).finally(() => keeper?.settled())
      await this.#settleTail(segment, file, recovered)
      if (recovered.aboveFrom !== undefined) await keeper?.finish(recovered.aboveFrom, segment.size)
      const last = recovered.torn !== undefined && next?.baseOffset !== recovered.endOffset
      if (next === undefined || last) {
        segment.indexes = recovered.indexes
      } else {
        recovered.indexes.seal()
        indexes.keep(segment, recovered.indexes)
      }
      return recovered
    })
  }

  async #readIndexes(segment: LogSegment): Promise<SegmentIndexes | undefined> {
    const found = await this.#state.context.indexes.read(segment, this.#durable)
    if (found !== undefined || segment.size > 0) return found
    // Kafka misses the files of an empty segment, too.
    segment.indexesChanged = true
    return SegmentIndexes.empty(segment.baseOffset)
  }

  /** Sets aside what is not sound above the durable offset. */
  async #settleTail(segment: LogSegment, file: VfsFile, recovered: RecoveredSegment): Promise<void> {
    const { context } = this.#state
    const { torn, aboveFrom, endPosition } = recovered
    const size = segment.size
    segment.size = endPosition
    segment.notedSize = endPosition
    if (context.readOnly) return
    if (torn?.zeros === true) await cutTail(file, torn.position)
    else if (torn !== undefined && torn.position < size) {
      const path = await setTailAside(context.vfs, segment, file, torn.position)
      context.logger.warn({ path }, 'The bytes of a torn tail were set aside.')
    }
    if (aboveFrom !== undefined) this.#state.folderDirty = true
  }

  /** Takes the segments from `slot` on out of the log: they do not continue it. */
  async #setAside(segments: LogSegment[], slot: number, expected: number): Promise<void> {
    const { vfs, readOnly, files } = this.#state.context
    for (const segment of segments.splice(slot)) {
      if (!readOnly) {
        await files.drop(segment.pathPrefix)
        await setSegmentAside(vfs, segment)
      }
      this.#find(
        'segment-set-aside',
        { path: segment.logPath, offset: segment.baseOffset },
        `The segment ${segment.logPath} does not continue the log at offset ${expected}; it is set aside in a .torn file.`,
      )
    }
  }

  #tellUnknown({ unknown }: PartitionFiles): void {
    const { folder } = this.#state
    if (unknown.length === 0) return
    const message = `The folder ${folder} holds files that are not a log's (${unknown.slice(0, 50).join(', ')}); they are left alone.`
    this.#find('unknown-file', { path: folder }, message)
  }

  #takeEpochs({ epochs }: PartitionFiles): void {
    const { folder } = this.#state
    if (epochs === undefined) {
      this.#find(
        'leader-epochs-rebuilt',
        { path: folder },
        `The leader-epoch-checkpoint in ${folder} is damaged; it is made anew from the log.`,
      )
    }
    this.#state.epochs = epochs ?? new LeaderEpochs()
    if (epochs === undefined) this.#state.epochs.changed = true
  }

  #setOffsets(end: number, emptied?: number): void {
    const state = this.#state
    const first = state.segments.first?.baseOffset ?? end
    const checkpoint = this.#known.logStartOffset
    let start = Math.max(first, checkpoint ?? 0)
    if (checkpoint !== undefined && checkpoint > end) {
      this.#find(
        'log-start-above-end',
        { path: state.folder, offset: checkpoint },
        `The checkpoint says that ${state.name} starts at offset ${checkpoint}, but it ends at ${end}; the checkpoint is not followed.`,
      )
      start = first
    }
    const noted = this.#known.note?.logStartOffset ?? emptied
    const startsAt = noted === undefined ? undefined : Math.max(noted, checkpoint ?? 0)
    if (startsAt !== undefined && startsAt < first && first <= end) {
      this.#find(
        'missing-data',
        { path: state.folder, offset: startsAt },
        `The log ${state.name} started at offset ${startsAt}, but its first segment starts at ${first}; reads of what is missing fail.`,
      )
      start = startsAt
    }
    state.logStartOffset = Math.min(start, end)
    state.epochs.truncateTo(end)
    state.epochs.truncateFromStart(state.logStartOffset)
    state.leaderEpoch = Math.max(0, state.epochs.latest?.epoch ?? 0)
    state.nextOffset = state.logEndOffset = state.durableOffset = state.highWatermark = end
  }

  /** What only an owner does: a segment to append to, the names synced, and the epochs written. */
  async #finish(files: PartitionFiles): Promise<void> {
    const state = this.#state
    const { vfs } = state.context
    const end = state.logEndOffset
    const last = state.segments.last
    if (last?.size === 0 && last.baseOffset === end && !last.sealed)
      last.indexes ??= SegmentIndexes.empty(end)
    if (last?.indexes === undefined || (await this.#endsBelow(last, end))) {
      const segment = new LogSegment(state.folder, end, 0)
      const file = await vfs.open(segment.logPath, 'create')
      await file.close()
      segment.indexes = SegmentIndexes.empty(end)
      state.segments.add(segment)
      state.folderDirty = true
    }
    // A roll that was cut left its name, perhaps unsynced, and nothing that would say so.
    if (last?.size === 0) state.folderDirty = true
    await removeDeleted(state.context, state.folder, files, state.logStartOffset)
    if (state.epochs.changed) await state.epochs.write(vfs, state.folder)
    if (state.folderDirty && !plantedBugs.directorySyncLeftOut) await vfs.syncDir(state.folder)
    state.folderDirty = false
  }

  /** Whether the newest segment's readable batches stop before the log's end: then it takes no more. */
  async #endsBelow(segment: LogSegment, end: number): Promise<boolean> {
    if (segment.baseOffset === end && segment.size === 0) return false
    const stat = await this.#state.context.vfs.stat(segment.logPath)
    return segment.sealed || stat?.size !== segment.size
  }

  #missing(segment: LogSegment, from: number, to: number): void {
    segment.sealed = true
    this.#find(
      'missing-data',
      { path: segment.logPath, offset: from },
      `The offsets ${from} to ${to - 1} of ${this.#state.name} were durable, but no file holds them; reads of them fail.`,
    )
  }

  #find(
    kind: FindingKind,
    where: { path: string; position?: number; offset?: number },
    message: string,
  ): void {
    if (kind === 'corruption') this.#corrupt.add(where.path)
    this.#report({ kind, ...this.#state.topicPartition, ...where, message })
  }
}
