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

  /** Whether nothing but zeros follows from an entry on. */
  isZeroFrom(slot: number): boolean {
    for (let position = slot * this.#entrySize; position < this.size;) {
      const count = this.#file.read(this.#bytes, position)
      this.#start = this.#end = 0
      if (count === 0 || this.#bytes.subarray(0, count).some(byte => byte !== 0)) return false
      position += count
    }
    return true
  }
}
