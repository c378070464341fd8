/** One line of the input without its `\n`. */
export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly bytes: Buffer
}

const NEW_LINE = 0x0a

/**
 * Cuts chunks into lines. A line that is longer than `bytesMax` is given cut off at one byte more, so that nobody
 * takes it for a whole one; its rest is dropped without being kept in memory.
 */
export class LineSplitter {
  readonly #bytesMax: number
  #number = 0
  #parts: Buffer[] = []
  #length = 0

  constructor({ bytesMax }: { bytesMax: number }) {
    this.#bytesMax = bytesMax
  }

  /** The lines that end in `chunk`. They may point into it. */
  *push(chunk: Buffer): Generator<Line> {
    let at = 0
    for (;;) {
      const end = chunk.indexOf(NEW_LINE, at)
      if (end < 0) break
      yield this.#line(chunk.subarray(at, end))
      at = end + 1
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at))
  }

  /** The last line, if the input did not end with `\n`. */
  *end(): Generator<Line> {
    if (this.#length > 0) yield this.#line(Buffer.alloc(0))
  }

  #keep(part: Buffer): void {
    const room = this.#bytesMax + 1 - this.#length
    if (room <= 0) return
    const kept = part.subarray(0, room)
    this.#parts.push(kept)
    this.#length += kept.length
  }

  #line(last: Buffer): Line {
    this.#number++
    if (this.#length === 0) return { number: this.#number, bytes: last.subarray(0, this.#bytesMax + 1) }
    this.#keep(last)
    const bytes = Buffer.concat(this.#parts, this.#length)
    this.#parts = []
    this.#length = 0
    return { number: this.#number, bytes }
  }
}
