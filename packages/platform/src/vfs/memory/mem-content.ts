/** How much of a file one chunk covers. */
const CHUNK_BYTES = 1024 * 1024
/** What a file takes at least; it doubles up to a whole chunk. Further chunks come whole. */
const FIRST_BYTES = 4096

interface Chunk {
  bytes: Buffer
  /** Bytes below this were given out by `view` and must not change; a change goes to a copy. */
  viewed: number
}

/** The memory that all files of one file system share. */
export class MemBudget {
  max: number
  used = 0

  constructor(max: number) {
    this.max = max
  }

  get left(): number {
    return Math.max(0, this.max - this.used)
  }
}

/**
 * The bytes of one file, in chunks that grow by doubling, so that appending copies little and reading copies
 * nothing. A chunk that was never written is a hole and reads as zeros. Bytes between the size and a chunk's end are
 * always zero, so that a file can be extended without touching them.
 */
export class MemContent {
  readonly #budget: MemBudget
  readonly #chunks: (Chunk | undefined)[] = []
  #size = 0

  constructor(budget: MemBudget) {
    this.#budget = budget
  }

  get size(): number {
    return this.#size
  }

  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.#size - position))
    let done = 0
    while (done < length) {
      const at = (position + done) % CHUNK_BYTES
      const step = Math.min(length - done, CHUNK_BYTES - at)
      const bytes = this.#chunks[Math.floor((position + done) / CHUNK_BYTES)]?.bytes
      const there = Math.min(step, Math.max(0, (bytes?.length ?? 0) - at))
      if (bytes !== undefined && there > 0) target.set(bytes.subarray(at, at + there), done)
      if (there < step) target.fill(0, done + there, done + step)
      done += step
    }
    return length
  }

  /** What lies in one piece from `position`, at most `length` bytes; undefined at the end and in a hole. */
  view(position: number, length: number): Buffer | undefined {
    const chunk = this.#chunks[Math.floor(position / CHUNK_BYTES)]
    const at = position % CHUNK_BYTES
    if (chunk === undefined) return undefined
    const end = Math.min(at + length, at + this.#size - position, chunk.bytes.length)
    if (end <= at) return undefined
    chunk.viewed = Math.max(chunk.viewed, end)
    return chunk.bytes.subarray(at, end)
  }

  /** Answers how many bytes found room: fewer than given when the budget is used up. */
  write(source: Uint8Array, position: number): number {
    let done = 0
    while (done < source.length) {
      const at = (position + done) % CHUNK_BYTES
      const step = Math.min(source.length - done, CHUNK_BYTES - at)
      const index = Math.floor((position + done) / CHUNK_BYTES)
      const { bytes } = this.#changeable(index, { from: at, to: at + step })
      const room = Math.min(step, bytes.length - at)
      if (room <= 0) break
      bytes.set(room === source.length ? source : source.subarray(done, done + room), at)
      done += room
    }
    if (done > 0) this.#size = Math.max(this.#size, position + done)
    return done
  }

  truncate(size: number): void {
    if (size < this.#size) {
      const keep = Math.ceil(size / CHUNK_BYTES)
      for (const chunk of this.#chunks.splice(keep)) this.#budget.used -= chunk?.bytes.length ?? 0
      const at = size % CHUNK_BYTES
      const last = at === 0 ? undefined : this.#chunks[keep - 1]
      if (last !== undefined && at < last.bytes.length) {
        this.#changeable(keep - 1, { from: at, to: at }).bytes.fill(0, at)
      }
    }
    this.#size = size
  }

  /** A copy of the whole. */
  all(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.#size)
    this.read(bytes, 0)
    return bytes
  }

  copy(budget: MemBudget): MemContent {
    const copy = new MemContent(budget)
    copy.#size = this.#size
    for (const chunk of this.#chunks) {
      copy.#chunks.push(chunk && { bytes: Buffer.from(chunk.bytes), viewed: 0 })
      budget.used += chunk?.bytes.length ?? 0
    }
    return copy
  }

  /** Gives the memory back; what `view` gave out stays as it is. */
  free(): void {
    this.truncate(0)
  }

  /** The chunk with room up to `to`, if the budget has it, and with nothing from `from` on that a reader holds. */
  #changeable(index: number, range: { from: number; to: number }): Chunk {
    const old = this.#chunks[index]
    const length = old?.bytes.length ?? 0
    if (old !== undefined && range.to <= length && range.from >= old.viewed) return old
    let wanted = Math.max(length, index === 0 ? FIRST_BYTES : CHUNK_BYTES)
    while (wanted < range.to) wanted *= 2
    if (wanted - length > this.#budget.left)
      wanted = Math.max(length, Math.min(range.to, length + this.#budget.left))
    if (old !== undefined && wanted === length && range.from >= old.viewed) return old
    const bytes = Buffer.alloc(wanted)
    if (old !== undefined) bytes.set(old.bytes)
    const chunk = { bytes, viewed: 0 }
    if (wanted > 0) this.#chunks[index] = chunk
    this.#budget.used += wanted - length
    return chunk
  }
}
