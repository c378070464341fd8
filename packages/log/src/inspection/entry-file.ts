import type { VfsFileSync } from '@varve/platform'

const WINDOW_BYTES = 64 * 1024

/** Entries of one size, one after the other, through a window of memory. */
export class EntryFile {
  readonly size: number
  readonly #file: VfsFileSync
  readonly #entrySize: number
  readonly #bytes: Buffer
  #start = 0
  #end = 0
  #used: number | undefined

  constructor(file: VfsFileSync, entrySize: number) {
    this.#file = file
    this.#entrySize = entrySize
    this.size = file.stat().size
    const window = Math.floor(WINDOW_BYTES / entrySize) * entrySize
    this.#bytes = Buffer.allocUnsafe(Math.min(window, Math.max(entrySize, this.size)))
  }

  /** Whole entries, zeros included. */
  get entries(): number {
    return Math.floor(this.size / this.#entrySize)
  }

  /** One entry: a view that holds until the next call. Undefined where the file ends before. */
  at(slot: number): Buffer | undefined {
    const position = slot * this.#entrySize
    if (position < this.#start || position + this.#entrySize > this.#end) {
      this.#start = position
      this.#end = position + this.#file.read(this.#bytes, position)
    }
    const from = position - this.#start
    return position + this.#entrySize <= this.#end
      ? this.#bytes.subarray(from, from + this.#entrySize)
      : undefined
  }

  /** How many entries come before the zeros at the end, which are room that was preallocated. */
  get used(): number {
    return (this.#used ??= this.#countUsed())
  }

  #countUsed(): number {
    this.#start = this.#end = 0
    for (let end = this.size; end > 0;) {
      const from = Math.max(0, end - this.#bytes.length)
      const count = this.#file.read(this.#bytes.subarray(0, end - from), from)
      for (let at = count - 1; at >= 0; at--)
        if (this.#bytes[at] !== 0) return Math.ceil((from + at + 1) / this.#entrySize)
      end = from
    }
    return 0
  }
}
