import type { VfsFile } from '@varve/platform'
import { logLimits } from '../limits.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import { SegmentIndexes } from '../segment/segment-indexes.ts'
import { SegmentScanner, type BatchSpan } from '../segment/segment-scanner.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { FindingKind } from './finding.ts'
import type { LogState } from './log-state.ts'
import type { TailKeeper } from './tail-keeper.ts'

export interface SegmentRecoveryOptions {
  readonly segment: LogSegment
  readonly file: VfsFile
  readonly state: LogState
  /** Everything below survived whatever happened; damage there is no torn tail. */
  readonly durable: number
  /** False after a failed sync: what lies above may be readable and yet not on the disk. */
  readonly trustAbove: boolean
  /** The next segment's base offset. */
  readonly endOffset: number
  /** Makes what is sound above durable. */
  readonly keeper?: TailKeeper | undefined
  readonly report: (kind: FindingKind, position: number, offset: number, message: string) => void
}

export interface RecoveredSegment {
  readonly indexes: SegmentIndexes
  /** Where the readable batches end. */
  readonly endPosition: number
  /** The offset behind the last one. */
  readonly endOffset: number
  /** Where the batches above the durable offset start, if there are any. */
  readonly aboveFrom: number | undefined
  /** What has to be cut. */
  readonly torn: { readonly position: number; readonly zeros: boolean } | undefined
}

/** Walks one segment: loosely below the durable offset, where it only has to find its way, and strictly above. */
export class SegmentRecovery {
  readonly #options: SegmentRecoveryOptions
  readonly #scanner: SegmentScanner
  #indexes: SegmentIndexes
  #position = 0
  #expected: number
  #previous: BatchSpan | undefined
  #aboveFrom: number | undefined
  #torn: RecoveredSegment['torn']

  constructor(options: SegmentRecoveryOptions) {
    const { segment, file, endOffset, state } = options
    this.#options = options
    // Nearly all of what it walks is read whole: fewer and larger reads than for a look at headers.
    const memory = Buffer.allocUnsafe(Math.min(logLimits.recoveryChunkBytes, Math.max(segment.size, 1)))
    const { baseOffset, size } = segment
    this.#scanner = new SegmentScanner({ file, size, baseOffset, endOffset, gaps: state.gaps }, memory)
    this.#indexes = SegmentIndexes.empty(segment.baseOffset)
    this.#expected = segment.baseOffset
  }

  /** @param found what the files' indexes hold below the durable offset, if it is worth a try */
  async run(found: SegmentIndexes | undefined): Promise<RecoveredSegment> {
    const { segment, durable } = this.#options
    await this.#begin(found)
    segment.rollTimestamp = (await this.#scanner.peek(0))?.maxTimestamp
    while (this.#position < segment.size && this.#expected < durable && this.#torn === undefined)
      await this.#below()
    while (this.#position < segment.size && this.#torn === undefined) await this.#above()
    const indexes = this.#indexes
    indexes.settle()
    if (found === undefined || indexes.changed) segment.indexesChanged = true
    return {
      indexes,
      endPosition: this.#position,
      endOffset: this.#expected,
      aboveFrom: this.#aboveFrom,
      torn: this.#torn,
    }
  }

  /** Starts at the index entry below the durable offset if the batch there is the one that it means, else at 0. */
  async #begin(found: SegmentIndexes | undefined): Promise<void> {
    if (found === undefined) return
    const entry = found.offsets.last
    if (entry === undefined) {
      this.#indexes = found
      return
    }
    const span = await this.#scanner.peek(entry.position)
    const lies = span?.lastOffset !== entry.offset && !plantedBugs.indexTrustedUnchecked
    if (lies || span === undefined) {
      this.#options.segment.indexesChanged = true
      return
    }
    this.#indexes = found
    found.resume(span)
    this.#accept(span)
  }

  async #below(): Promise<void> {
    const { segment, report, state } = this.#options
    const span = await this.#scanner.peek(this.#position)
    const continues = span !== undefined && this.#scanner.continues(this.#expected, span)
    // A durable offset lies between two batches: one that reaches over it has a flipped bit, if its checksum says so.
    if (continues && (span.lastOffset < this.#options.durable || (await this.#scanner.verify(span)))) {
      this.#take(span)
      return
    }
    const problem =
      span === undefined || continues ? this.#scanner.problem : `it starts at offset ${span.baseOffset}`
    const position = this.#position
    if (plantedBugs.truncationOnCorruption) {
      this.#torn = { position, zeros: false }
      return
    }
    report(
      'corruption',
      position,
      this.#expected,
      `The batch at position ${position} of ${segment.logPath}, offset ${this.#expected} of ${state.name}, is damaged: ${problem}; nothing was cut, and reads of it fail.`,
    )
    segment.indexesChanged = true
    const damage = { position, expected: this.#expected, previous: this.#previous }
    const sound = await this.#scanner.findSoundAfter(damage, () => false)
    if (sound !== undefined && sound.lastOffset < this.#options.durable) {
      this.#take(sound)
    } else if (sound?.baseOffset === this.#options.durable) {
      // What was damaged ends where the durable part ends.
      this.#position = sound.position
      this.#expected = sound.baseOffset
    } else {
      // The rest of the file stays, unreadable; what is appended goes to a new segment.
      segment.sealed = true
      this.#position = segment.size
      this.#expected = Math.max(this.#expected, Math.min(this.#options.durable, this.#options.endOffset))
    }
  }

  async #above(): Promise<void> {
    const { segment, trustAbove, durable } = this.#options
    const span = await this.#scanner.peek(this.#position)
    const continues = span !== undefined && this.#scanner.continues(this.#expected, span)
    if (continues && trustAbove && (await this.#scanner.verify(span))) {
      this.#aboveFrom ??= this.#position
      segment.indexesChanged = true
      this.#take(span)
      this.#options.keeper?.found(this.#aboveFrom, this.#position)
      return
    }
    const position = this.#position
    if (continues && !trustAbove) {
      this.#torn = { position, zeros: false }
      this.#options.report(
        'untrusted-tail',
        position,
        this.#expected,
        `The bytes from position ${position} of ${segment.logPath} were written before a sync failed at offset ${durable}; they are set aside in a .torn file.`,
      )
      return
    }
    await this.#tear(
      span !== undefined && !continues ? `it starts at offset ${span.baseOffset}` : this.#scanner.problem,
    )
  }

  async #tear(problem: string): Promise<void> {
    const { segment, report, state } = this.#options
    const position = this.#position
    const zeros = await this.#scanner.isZeroFrom(position)
    if (zeros && plantedBugs.zerosTakenForRecords) {
      this.#position = segment.size
      return
    }
    this.#torn = { position, zeros }
    const bytes = segment.size - position
    if (zeros) {
      if (state.config.preallocate) return
      report(
        'zero-tail',
        position,
        this.#expected,
        `The last ${bytes} bytes of ${segment.logPath} were zeros above the durable offset; they are cut off.`,
      )
      return
    }
    report(
      'torn-tail',
      position,
      this.#expected,
      `The last ${bytes} bytes of ${segment.logPath}, from position ${position}, offset ${this.#expected} of ${state.name}, are no whole batch (${problem}); they are set aside in a .torn file.`,
    )
    const behind = await this.#scanner.findSound(position, this.#expected, () => false)
    if (behind === undefined) return
    report(
      'batch-behind-torn',
      behind.position,
      behind.baseOffset,
      `A sound batch with offsets ${behind.baseOffset} to ${behind.lastOffset} follows the torn one at position ${position} of ${segment.logPath}; it is set aside with it.`,
    )
  }

  #take(span: BatchSpan): void {
    this.#indexes.note(span, this.#options.state.config.indexIntervalBytes)
    this.#accept(span)
  }

  #accept(span: BatchSpan): void {
    const { epochs } = this.#options.state
    epochs.assign(span.leaderEpoch, span.baseOffset)
    this.#position = span.position + span.size
    this.#expected = span.lastOffset + 1
    this.#previous = span
  }
}
