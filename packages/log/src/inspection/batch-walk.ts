import { isVarveError, type VfsFileSync } from '@varve/platform'
import { BATCH_HEADER_SIZE, checkBatch } from '@varve/records'
import { logLimits } from '../limits.ts'
import { spanAt, type BatchSpan } from '../segment/segment-scanner.ts'

export interface BatchWalkOptions {
  readonly file: VfsFileSync
  /** Bytes of the file that count. */
  readonly size: number
  /** No batch lies below this offset. */
  readonly baseOffset: number
  /** No batch reaches this offset. */
  readonly endOffset: number
  /** Up to where offsets may skip. */
  readonly gapsTo: number | 'anywhere'
}

/** The magic's place in a batch, and the magic. */
const MAGIC_AT = 16
const MAGIC = 2
/** Bytes that are searched between two steps. */
const SEARCH_BYTES = logLimits.walkChunkBytes

/** The batches of one file through a window of memory, trusting none of them. */
export class BatchWalk {
  /** Why the last batch that was asked for is none. */
  problem = ''
  readonly #options: BatchWalkOptions
  #bytes: Buffer
  #start = 0
  #end = 0

  constructor(options: BatchWalkOptions) {
    this.#options = options
    this.#bytes = Buffer.allocUnsafe(Math.min(logLimits.walkChunkBytes, Math.max(options.size, 1)))
  }

  /** The header at `position`, if it makes sense and its batch fits into the file. */
  peek(position: number): BatchSpan | undefined {
    const { size, baseOffset, endOffset } = this.#options
    const left = size - position
    if (left < BATCH_HEADER_SIZE) return this.#refuse(`only ${left} bytes are left`)
    if (!this.#load(position, BATCH_HEADER_SIZE)) return this.#refuse('the file is shorter than it was')
    const span = spanAt(this.#bytes, position - this.#start, position)
    if (typeof span === 'string') return this.#refuse(span)
    if (span.size > left) return this.#refuse(`its length reaches ${span.size - left} bytes past the end`)
    if (span.leaderEpoch < -1) return this.#refuse(`its leader epoch is ${span.leaderEpoch}`)
    if (span.baseOffset < baseOffset || span.lastOffset >= endOffset) {
      return this.#refuse(
        `its offsets ${span.baseOffset} to ${span.lastOffset} do not belong into this segment`,
      )
    }
    return span
  }

  /** The whole batch at `position`, sound and next in turn. The bytes are a view that holds until the next call. */
  next(position: number, expected: number): { span: BatchSpan; bytes: Buffer } | undefined {
    const span = this.peek(position)
    if (span === undefined) return undefined
    if (!this.continues(expected, span)) {
      this.problem = `it starts at offset ${span.baseOffset}, where ${expected} is due`
      return undefined
    }
    const bytes = this.bytes(span)
    if (bytes === undefined) return undefined
    try {
      checkBatch(bytes, 0)
    } catch (error) {
      if (!isVarveError(error)) throw error
      this.problem = reasonOf(error.message)
      return undefined
    }
    return { span, bytes }
  }

  /** The header of a batch: a view that holds until the next call. */
  header(span: BatchSpan): Buffer | undefined {
    if (!this.#load(span.position, BATCH_HEADER_SIZE)) return undefined
    const at = span.position - this.#start
    return this.#bytes.subarray(at, at + BATCH_HEADER_SIZE)
  }

  /** The bytes of a batch: a view that holds until the next call. */
  bytes(span: BatchSpan): Buffer | undefined {
    if (!this.#load(span.position, span.size)) {
      this.problem = 'the file is shorter than it was'
      return undefined
    }
    const at = span.position - this.#start
    return this.#bytes.subarray(at, at + span.size)
  }

  /** Whether a batch may come where offset `expected` is due. */
  continues(expected: number, { baseOffset }: BatchSpan): boolean {
    const { gapsTo } = this.#options
    return (
      baseOffset === expected || (baseOffset > expected && (gapsTo === 'anywhere' || baseOffset <= gapsTo))
    )
  }

  /** Whether nothing but zeros follows. */
  isZeroFrom(position: number): boolean {
    for (let at = position; at < this.#options.size;) {
      const count = Math.min(SEARCH_BYTES, this.#options.size - at)
      if (!this.#load(at, count)) return false
      const from = at - this.#start
      if (this.#bytes.subarray(from, from + count).some(byte => byte !== 0)) return false
      at += count
    }
    return true
  }

  /**
   * The first sound batch behind damage at `position`, with an offset of at least `atLeast`, that is followed by another
   * one or by the end of the file. Yields the bytes that it has passed over.
   */
  *findSound(position: number, atLeast: number): Generator<number, BatchSpan | undefined> {
    // What the damaged header says of its length is most often right.
    const hop = this.peek(position)
    if (hop !== undefined && this.#soundAt(position + hop.size, atLeast))
      return this.peek(position + hop.size)
    const { size } = this.#options
    for (let at = position + 1; size - at >= BATCH_HEADER_SIZE;) {
      const count = Math.min(SEARCH_BYTES, size - at)
      if (!this.#load(at, count)) return undefined
      const magicAt = this.#bytes
        .subarray(0, at - this.#start + count)
        .indexOf(MAGIC, at - this.#start + MAGIC_AT)
      if (magicAt < 0) {
        const passed = count - MAGIC_AT
        yield passed
        at += passed
        continue
      }
      const candidate = this.#start + magicAt - MAGIC_AT
      if (this.#soundAt(candidate, atLeast)) return this.peek(candidate)
      yield candidate + 1 - at
      at = candidate + 1
    }
    return undefined
  }

  #soundAt(position: number, atLeast: number): boolean {
    const span = this.peek(position)
    if (span === undefined || span.baseOffset < atLeast) return false
    if (this.next(position, span.baseOffset) === undefined) return false
    const behind = position + span.size
    if (behind === this.#options.size) return true
    const follower = this.peek(behind)
    return follower !== undefined && this.continues(span.lastOffset + 1, follower)
  }

  #refuse(problem: string): BatchSpan | undefined {
    this.problem = problem
    return undefined
  }

  /** Has at least `count` bytes from `position` on in memory; false where the file has fewer. */
  #load(position: number, count: number): boolean {
    if (position >= this.#start && position + count <= this.#end) return true
    if (count > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(count)
    const wanted = Math.min(this.#bytes.length, this.#options.size - position)
    this.#start = position
    this.#end = position + this.#options.file.read(this.#bytes.subarray(0, wanted), position)
    return this.#end - position >= count
  }
}

/** What an error of the records' says, without naming the place once more. */
export function reasonOf(message: string): string {
  const rest = message
    .replace(/^There is no whole batch at position \d+: /, '')
    .replace(/^The batch at position \d+ (breaks a rule of the format: |has )?/, match =>
      match.endsWith('has ') ? 'it has ' : match.endsWith(': ') ? '' : 'it ',
    )
    .replace(/, so it is damaged\.$/, '')
  return rest.replace(/\.$/, '')
}
