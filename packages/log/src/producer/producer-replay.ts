import { isVarveError, type VfsFile } from '@varve/platform'
import {
  isControl,
  isTransactional,
  readAttributes,
  readBaseOffset,
  readBaseSequence,
  readLastOffsetDelta,
  readLastSequence,
  readMaxTimestamp,
  readProducerEpoch,
  readProducerId,
} from '@varve/records'
import type { LogState } from '../partition/log-state.ts'
import { SegmentIndexAccess } from '../partition/segment-index-access.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import type { OffsetPosition } from '../segment/offset-index.ts'
import type { BatchSpan, SegmentScanner } from '../segment/segment-scanner.ts'
import type { AbortedTxn } from './aborted-txn.ts'
import { readEndTxnMarker, type EndTxnMarker } from './end-txn-marker.ts'
import type { ProducerUpdate } from './producer-append-info.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'
import { withBatch, withMarker } from './producer-state-entry.ts'

export interface ReplayOptions {
  readonly manager: ProducerStateManager
  /** The first offset that the manager knows nothing of. */
  readonly from: number
  /** The offset to stop at. */
  readonly to: number
  /** Batches below were not compared with their checksums yet. */
  readonly verifyBelow: number
  /** When what is found counts as seen. */
  readonly seenAt: number
  /** Told of each transaction that the segment's markers aborted. */
  readonly aborted: (segment: LogSegment, txn: AbortedTxn) => void
}

/** What was gone through. */
export interface Replayed {
  bytes: number
  /** Whether something could not be read. */
  damaged: boolean
  /** Where that was first. */
  damage?: ReplayDamage
}

/** What hides behind damage may be the end of a transaction: then it is not known for sure what is committed. */
export interface ReplayDamage {
  readonly path: string
  readonly position: number
  readonly offset: number
  /** One sentence. */
  readonly message: string
}

/**
 * Goes through the headers of a log's batches and lets its producers catch up, without judging them: they were judged
 * when they were appended. Damage is stepped over; what it hid stays unknown, so that a transaction stays open rather
 * than being shown.
 */
export async function replayProducers(state: LogState, options: ReplayOptions): Promise<Replayed> {
  const replayed: Replayed = { bytes: 0, damaged: false }
  for (const segment of state.segments) {
    if (segment.baseOffset >= options.to) break
    if (segment.size === 0 || state.endOffsetOf(segment) <= options.from) continue
    // The index is asked before the file is opened: its own handle might be the one too many.
    const inside = options.from > segment.baseOffset
    const floor = inside ? await new SegmentIndexAccess(state).floor(segment, options.from) : undefined
    await state.context.files.use(segment.logPath, file =>
      new SegmentReplay(state, options, segment, file).run(replayed, floor),
    )
  }
  return replayed
}

class SegmentReplay {
  readonly #state: LogState
  readonly #options: ReplayOptions
  readonly #segment: LogSegment
  readonly #file: VfsFile

  constructor(state: LogState, options: ReplayOptions, segment: LogSegment, file: VfsFile) {
    this.#state = state
    this.#options = options
    this.#segment = segment
    this.#file = file
  }

  async run(replayed: Replayed, floor: OffsetPosition | undefined): Promise<void> {
    const scanner = new SegmentIndexAccess(this.#state).scanner(this.#segment, this.#file)
    const { from, to } = this.#options
    const start = await this.#start(scanner, floor)
    let { position, expected } = start
    let previous: BatchSpan | undefined
    while (position < scanner.size) {
      let span = await scanner.peek(position)
      if (span === undefined || !(await this.#isSound(scanner, span, expected))) {
        replayed.damaged = true
        replayed.damage ??= damageAt(this.#segment.logPath, position, expected)
        span = await scanner.findSoundAfter({ position, expected, previous }, () => false)
      }
      if (span === undefined || span.baseOffset >= to) break
      if (span.lastOffset >= from) await this.#apply(scanner, span)
      position = span.position + span.size
      expected = span.lastOffset + 1
      previous = span
    }
    replayed.bytes += position - start.position
  }

  /** Begins where the index says if the batch there is the one that it means, else at the segment's start. */
  async #start(
    scanner: SegmentScanner,
    floor: OffsetPosition | undefined,
  ): Promise<{ position: number; expected: number }> {
    const span = floor === undefined ? undefined : await scanner.peek(floor.position)
    if (span !== undefined && span.lastOffset === floor?.offset)
      return { position: span.position, expected: span.baseOffset }
    return { position: 0, expected: this.#segment.baseOffset }
  }

  async #isSound(scanner: SegmentScanner, span: BatchSpan, expected: number): Promise<boolean> {
    if (!scanner.continues(expected, span)) return false
    const { from, verifyBelow } = this.#options
    return span.lastOffset < from || span.baseOffset >= verifyBelow || scanner.verify(span)
  }

  async #apply(scanner: SegmentScanner, span: BatchSpan): Promise<void> {
    const header = await scanner.header(span)
    if (header === undefined || readProducerId(header, 0) < 0) return
    const control = isControl(readAttributes(header, 0))
    const bytes = control ? await scanner.batchBytes(span) : header
    const update = bytes === undefined ? undefined : this.#updateOf(bytes)
    if (update === undefined) return
    for (const txn of this.#options.manager.written([update])) this.#options.aborted(this.#segment, txn)
  }

  #updateOf(bytes: Buffer): ProducerUpdate | undefined {
    const { manager, seenAt } = this.#options
    const producerId = readProducerId(bytes, 0)
    const entry = manager.knownOrEmpty(producerId)
    const attributes = readAttributes(bytes, 0)
    const epoch = readProducerEpoch(bytes, 0)
    const offset = readBaseOffset(bytes, 0)
    if (isControl(attributes)) {
      const marker = markerIn(bytes)
      if (marker === undefined) return undefined
      const { aborted, coordinatorEpoch, timestamp } = marker
      const firstOffset = entry.currentTxnFirstOffset
      return {
        entry: withMarker(entry, { epoch, coordinatorEpoch, timestamp, seenAt }),
        firstSequence: -1,
        completed: firstOffset < 0 ? undefined : { producerId, firstOffset, lastOffset: offset, aborted },
      }
    }
    const offsetDelta = readLastOffsetDelta(bytes, 0)
    const batch = {
      lastSequence: readLastSequence(bytes, 0),
      lastOffset: offset + offsetDelta,
      offsetDelta,
      timestamp: readMaxTimestamp(bytes, 0),
    }
    return {
      entry: withBatch(entry, batch, { epoch, transactional: isTransactional(attributes), seenAt }),
      firstSequence: readBaseSequence(bytes, 0),
      completed: undefined,
    }
  }
}

/** What is stored as a marker and makes no sense ends no transaction. */
function markerIn(bytes: Buffer): EndTxnMarker | undefined {
  try {
    return readEndTxnMarker(bytes, 0)
  } catch (error) {
    if (isVarveError(error)) return undefined
    throw error
  }
}

function damageAt(path: string, position: number, offset: number): ReplayDamage {
  const message = `The batch at position ${position} of ${path}, offset ${offset}, is damaged; reads of it fail, and how a transaction ended there is not known.`
  return { path, position, offset, message }
}
