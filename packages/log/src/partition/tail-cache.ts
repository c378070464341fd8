import { readBatchSize, readLastOffset } from '@varve/records'
import { logLimits } from '../limits.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'

const SLAB_BYTES_MIN = 16 * 1024
const SLAB_BYTES_MAX = 256 * 1024

/** Memory with whole batches, one behind the other. */
interface Slab {
  readonly memory: Buffer
  used: number
  /** Where each batch starts, and its last offset. */
  readonly starts: number[]
  readonly lastOffsets: number[]
}

/** What a read wants of the newest batches. */
export interface TailRequest {
  readonly offset: number
  readonly maxBytes: number
  /** No batch that reaches this offset. */
  readonly limit: number
  readonly minOneBatch: boolean
  /** Where the bytes go, if they fit. */
  readonly memory: Buffer | undefined
}

/** The newest batches of all partitions whose tail somebody reads, under one limit of memory. */
export class TailCache {
  readonly #bytesMax: number
  /** Those that hold memory; who took some last comes last. */
  readonly #tails = new Set<PartitionTail>()
  #bytes = 0

  constructor({ bytesMax }: { bytesMax: number }) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory for `tail`, taken from others if need be; undefined where it would be more than there is for all. */
  take(tail: PartitionTail, bytes: number): Buffer | undefined {
    if (bytes > this.#bytesMax) return undefined
    this.#tails.delete(tail)
    for (const oldest of this.#tails) {
      if (this.#bytes + bytes <= this.#bytesMax) break
      oldest.clear()
    }
    while (this.#bytes + bytes > this.#bytesMax && tail.dropOldest());
    this.#tails.add(tail)
    this.#bytes += bytes
    return Buffer.allocUnsafeSlow(bytes)
  }

  /** @param last whether `tail` holds none any more */
  giveBack(tail: PartitionTail, bytes: number, { last }: { last: boolean }): void {
    this.#bytes -= bytes
    if (last) this.#tails.delete(tail)
  }
}

/**
 * The newest batches of one partition, copied on append, as long as somebody reads there: its readers do not go to the
 * file then, and however many they are, no thread of libuv is asked. Nobody else pays for it: without a reader at the end
 * within the last bytes that were appended, nothing is copied.
 *
 * What a read gets is a copy of its own. So the memory is used again without a thought of readers.
 */
export class PartitionTail {
  readonly #cache: TailCache
  readonly #slabs: Slab[] = []
  #bytes = 0
  /** The offset of the first batch that is kept, and the one behind the last. */
  #from = 0
  #to = 0
  /** Bytes that came since somebody read here; Infinity as long as nobody does. */
  #unread = Infinity

  constructor(cache: TailCache) {
    this.#cache = cache
  }

  /** Whether what is appended now is kept. */
  get wanted(): boolean {
    return this.#unread <= logLimits.tailPartitionBytesMax
  }

  /** A reader has caught up with the log's end. */
  want(): void {
    this.#unread = 0
  }

  /** Takes a copy of whole batches that were written to the log, the first one with the offset `baseOffset`. */
  append(bytes: Buffer, baseOffset: number): void {
    this.#unread += bytes.length
    if (!this.wanted) {
      this.#unread = Infinity
      this.clear()
      return
    }
    if (baseOffset !== this.#to) {
      this.clear()
      this.#from = this.#to = baseOffset
    }
    for (let at = 0; at < bytes.length;) {
      const size = readBatchSize(bytes, at)
      const slab = this.#room(size)
      if (slab === undefined) {
        this.clear()
        return
      }
      bytes.copy(slab.memory, slab.used, at, at + size)
      this.#to = readLastOffset(bytes, at) + 1
      slab.starts.push(slab.used)
      slab.lastOffsets.push(this.#to - 1)
      slab.used += size
      at += size
    }
  }

  /** Whole batches from the one that holds the offset on; undefined where it is not here. */
  read({ offset, maxBytes, limit, minOneBatch, memory }: TailRequest): Buffer | undefined {
    if (offset < this.#from || offset >= this.#to) return undefined
    let slot = 0
    while ((this.#slabs[slot]?.lastOffsets.at(-1) ?? Infinity) < offset) slot++
    this.#unread = 0
    let size = 0
    const parts: Buffer[] = []
    for (let first = true; slot < this.#slabs.length; slot++, first = false) {
      const slab = this.#slabs[slot]
      if (slab === undefined) break
      const { starts, lastOffsets, used } = slab
      const from = first ? firstAtLeast(lastOffsets, offset) : 0
      const begin = starts[from] ?? used
      let end = begin
      let index = from
      for (; index < starts.length; index++) {
        const next = starts[index + 1] ?? used
        if ((lastOffsets[index] ?? Infinity) >= limit) break
        const isFirst = size === 0 && index === from && first
        if (size + next - begin > maxBytes && !(isFirst && minOneBatch)) break
        end = next
      }
      if (end > begin) parts.push(slab.memory.subarray(begin, end))
      size += end - begin
      if (index < starts.length) break
    }
    return copied(parts, size, memory)
  }

  /** Gives back all memory. */
  clear(): void {
    while (this.dropOldest());
  }

  /** Gives back the memory of the oldest batches. */
  dropOldest(): boolean {
    const oldest = this.#slabs.shift()
    if (oldest === undefined) return false
    this.#forget(oldest)
    this.#bytes -= oldest.memory.length
    this.#cache.giveBack(this, oldest.memory.length, { last: this.#slabs.length === 0 })
    return true
  }

  #forget(slab: Slab): void {
    this.#from = (slab.lastOffsets.at(-1) ?? this.#from - 1) + 1
  }

  /** The slab that takes the next batch. The oldest one is used again when the partition has its share. */
  #room(size: number): Slab | undefined {
    const newest = this.#slabs.at(-1)
    if (newest !== undefined && newest.memory.length - newest.used >= size) return newest
    const wanted = Math.max(
      size,
      Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_MIN, (newest?.memory.length ?? 0) * 2)),
    )
    while (this.#bytes + wanted > logLimits.tailPartitionBytesMax && this.#slabs.length > 1) {
      const oldest = this.#slabs[0]
      if (oldest?.memory.length !== wanted) {
        this.dropOldest()
        continue
      }
      this.#slabs.shift()
      this.#forget(oldest)
      oldest.used = oldest.starts.length = oldest.lastOffsets.length = 0
      this.#slabs.push(oldest)
      return oldest
    }
    const memory = this.#cache.take(this, wanted)
    if (memory === undefined) return undefined
    const slab = { memory, used: 0, starts: [], lastOffsets: [] }
    this.#bytes += wanted
    this.#slabs.push(slab)
    return slab
  }
}

function firstAtLeast(offsets: readonly number[], offset: number): number {
  let low = 0
  for (let high = offsets.length; low < high;) {
    const middle = (low + high) >>> 1
    if ((offsets[middle] ?? 0) < offset) low = middle + 1
    else high = middle
  }
  return low
}

function copied(parts: readonly Buffer[], size: number, memory: Buffer | undefined): Buffer {
  const only = parts[0]
  if (plantedBugs.bufferReusedUnderReader && parts.length === 1 && only !== undefined) return only
  const target =
    memory !== undefined && memory.length >= size ? memory.subarray(0, size) : Buffer.allocUnsafe(size)
  let at = 0
  for (const part of parts) at += part.copy(target, at)
  return target
}
