import { isVarveError, type VfsFile } from '@varve/platform'
import {
  BATCH_HEADER_SIZE,
  checkBatch,
  readBaseOffset,
  readBatchSize,
  readLastOffsetDelta,
  readLeaderEpoch,
  readMagic,
  readMaxTimestamp,
} from '@varve/records'
import { logLimits } from '../limits.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'

/** Where a batch lies and what its header says. */
export interface BatchSpan {
  readonly position: number
  readonly size: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly leaderEpoch: number
}

export interface ScannerOptions {
  readonly file: VfsFile
  /** Bytes of the file that count. */
  readonly size: number
  /** The segment's base offset: no batch lies below it. */
  readonly baseOffset: number
  /** No batch of the segment reaches this offset: the next segment's base offset. */
  readonly endOffset: number
  /** Whether offsets may skip: only where compaction took batches out. */
  readonly gaps: boolean
}

const MAGIC = 2
const MAGIC_AT = 16
/** An int64 whose upper half is above this is no offset that Varve reads. */
const HIGH_WORD_MAX = 0x1f_ffff

/**
 * Looks at the batches of one segment's file, through a window of memory, without trusting any of them: every length
 * is compared with what is left before anything is read.
 */
export class SegmentScanner {
  /** Why the last `peek` or `verify` found nothing sound. */
  problem = ''
  readonly #options: ScannerOptions
  #bytes: Buffer
  #start = 0
  #end = 0

  constructor(options: ScannerOptions, memory?: Buffer) {
    this.#options = options
    this.#bytes = memory ?? Buffer.allocUnsafe(Math.min(logLimits.walkChunkBytes, Math.max(options.size, 1)))
  }

  get size(): number {
    return this.#options.size
  }

  /** The header at `position`, if it makes sense by itself and fits into what is left. The CRC is not looked at. */
  async peek(position: number): Promise<BatchSpan | undefined> {
    const { size, baseOffset, endOffset } = this.#options
    if (size - position < BATCH_HEADER_SIZE) return this.#refuse(`only ${size - position} bytes are left`)
    if (!this.#has(position, BATCH_HEADER_SIZE) && !(await this.#load(position, BATCH_HEADER_SIZE))) {
      return this.#refuse('the file is shorter than it was')
    }
    const span = spanAt(this.#bytes, position - this.#start, position)
    if (typeof span === 'string') return this.#refuse(span)
    if (span.size > size - position && !plantedBugs.lengthTrusted)
      return this.#refuse(`its length reaches ${span.size - (size - position)} bytes past the end`)
    if (span.baseOffset < baseOffset || span.lastOffset >= endOffset) {
      return this.#refuse(
        `its offsets ${span.baseOffset} to ${span.lastOffset} do not belong into this segment`,
      )
    }
    return span
  }

  /** Whether the batch's bytes have the CRC that its header says, and its counts fit. */
  async verify(span: BatchSpan): Promise<boolean> {
    const at = await this.#wholeBatch(span)
    if (at === undefined) {
      this.problem = 'the file is shorter than it was'
      return false
    }
    try {
      checkBatch(this.#bytes, at, at + span.size)
      return true
    } catch (error) {
      if (!isVarveError(error)) throw error
      this.problem = error.message
      return false
    }
  }

  /** The whole batch: a view into the window that holds until the next call. */
  async batchBytes(span: BatchSpan): Promise<Buffer | undefined> {
    const at = await this.#wholeBatch(span)
    return at === undefined ? undefined : this.#bytes.subarray(at, at + span.size)
  }

  /** The header of a batch that `peek` found: a view into the window that holds until the next call. */
  async header(span: BatchSpan): Promise<Buffer | undefined> {
    const { position } = span
    if (!this.#has(position, BATCH_HEADER_SIZE) && !(await this.#load(position, BATCH_HEADER_SIZE)))
      return undefined
    return this.#bytes.subarray(position - this.#start, position - this.#start + BATCH_HEADER_SIZE)
  }

  /** Whether all bytes from `position` to the end are zero. */
  async isZeroFrom(position: number): Promise<boolean> {
    for (let at = position; at < this.size;) {
      const count = Math.min(this.#bytes.length, this.size - at)
      if (!(await this.#load(at, count))) return false
      const loaded = this.#bytes.subarray(at - this.#start, this.#end - this.#start)
      if (loaded.some(byte => byte !== 0)) return false
      at += loaded.length
    }
    return true
  }

  /**
   * The first batch at `from` or later that starts at offset `atLeast` or later and is sound: its CRC holds, and the
   * batches behind it continue up to the end of the file or to a position that `isAnchor` knows. So neither a batch
   * with a flipped base offset (outside the CRC) nor one that somebody stored as a value is taken for one of the log.
   */
  async findSound(
    from: number,
    atLeast: number,
    isAnchor: (position: number) => boolean,
  ): Promise<BatchSpan | undefined> {
    const hop = await this.peek(from)
    if (hop !== undefined) {
      const hopped = await this.#soundAt(from + hop.size, atLeast, isAnchor)
      if (hopped !== undefined && !(await this.#soundAt(from, atLeast, isAnchor))) return hopped
    }
    for (let position = from; this.size - position >= BATCH_HEADER_SIZE;) {
      if (!this.#has(position, BATCH_HEADER_SIZE) && !(await this.#load(position, BATCH_HEADER_SIZE)))
        return undefined
      const magicAt = this.#bytes
        .subarray(0, this.#end - this.#start)
        .indexOf(MAGIC, position - this.#start + MAGIC_AT)
      if (magicAt < 0) {
        position = this.#end - MAGIC_AT
        continue
      }
      position = this.#start + magicAt - MAGIC_AT
      const sound = await this.#soundAt(position, atLeast, isAnchor)
      if (sound !== undefined) return sound
      position++
    }
    return undefined
  }

  async #soundAt(
    position: number,
    atLeast: number,
    isAnchor: (position: number) => boolean,
  ): Promise<BatchSpan | undefined> {
    const span = await this.peek(position)
    if (span === undefined || span.baseOffset < atLeast || !(await this.verify(span))) return undefined
    if (isAnchor(position)) return span
    let last = span
    for (let at = span.position + span.size; at < this.size; at = last.position + last.size) {
      const next = await this.peek(at)
      if (next === undefined || !this.continues(last.lastOffset + 1, next)) return undefined
      if (isAnchor(at)) return span
      last = next
    }
    const { endOffset, gaps } = this.#options
    // At the end of the file the next segment says whether it continues.
    return gaps || endOffset === Number.MAX_SAFE_INTEGER || last.lastOffset + 1 === endOffset
      ? span
      : undefined
  }

  /**
   * Finds the way again where the batch at `position` makes no sense or does not continue at offset `expected`. The
   * batch before it was perhaps only stepped over by what its header says: if its checksum does not hold, its length or
   * its last offset led astray, and the search begins behind its start.
   */
  async findSoundAfter(
    damage: {
      readonly position: number
      readonly expected: number
      readonly previous: BatchSpan | undefined
    },
    isAnchor: (position: number) => boolean,
  ): Promise<BatchSpan | undefined> {
    const { position, expected, previous } = damage
    if (previous === undefined || (await this.verify(previous)))
      return this.findSound(position, expected, isAnchor)
    return this.findSound(previous.position, previous.baseOffset + 1, isAnchor)
  }

  /** Whether a batch may come where offset `expected` is due. */
  continues(expected: number, span: BatchSpan): boolean {
    return this.#options.gaps ? span.baseOffset >= expected : span.baseOffset === expected
  }

  #refuse(problem: string): BatchSpan | undefined {
    this.problem = problem
    return undefined
  }

  #has(position: number, count: number): boolean {
    return position >= this.#start && position + count <= this.#end
  }

  async #wholeBatch(span: BatchSpan): Promise<number | undefined> {
    if (!this.#has(span.position, span.size) && !(await this.#load(span.position, span.size)))
      return undefined
    return span.position - this.#start
  }

  async #load(position: number, count: number): Promise<boolean> {
    if (count > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(count)
    const wanted = Math.min(this.#bytes.length, this.size - position)
    this.#start = position
    this.#end = position
    const found = await this.#options.file.read(this.#bytes.subarray(0, wanted), position)
    this.#end = position + found
    return found >= count
  }
}

/** The header at `at` of `bytes`, which holds it whole, or what is wrong with it. */
export function spanAt(bytes: Buffer, at: number, position: number): BatchSpan | string {
  const magic = readMagic(bytes, at)
  if (magic !== MAGIC) return `its magic is ${magic}, not ${MAGIC}`
  const size = readBatchSize(bytes, at)
  if (size < BATCH_HEADER_SIZE || size > logLimits.batchBytesMax) return `its length says ${size} bytes`
  const high = bytes.readUInt32BE(at)
  const highTimestamp = bytes.readInt32BE(at + 35)
  const delta = readLastOffsetDelta(bytes, at)
  if (high > HIGH_WORD_MAX) return 'its base offset is beyond what an offset can be'
  if (delta < 0) return `its last offset delta is ${delta}`
  if (highTimestamp > HIGH_WORD_MAX || highTimestamp < -1)
    return 'its largest timestamp is beyond what one can be'
  const baseOffset = readBaseOffset(bytes, at)
  return {
    position,
    size,
    baseOffset,
    lastOffset: baseOffset + delta,
    maxTimestamp: readMaxTimestamp(bytes, at),
    leaderEpoch: readLeaderEpoch(bytes, at),
  }
}
