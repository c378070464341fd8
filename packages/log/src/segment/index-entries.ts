import { INDEX_PAGE_BYTES, type IndexFile } from './index-pages.ts'

const ENTRIES_MIN = 16
const NO_BYTES = Buffer.alloc(0)

/** An entry, where it lies in memory. */
export interface IndexEntry {
  readonly slot: number
  readonly bytes: Buffer
  readonly at: number
}

/**
 * The entries of one index: those that its file holds are read through the pages, those behind them are in memory until
 * they are saved.
 */
export class IndexEntries {
  /** Bytes of an entry. */
  readonly size: number
  #file: IndexFile | undefined
  /** How many come from the file. */
  #saved: number
  /** How many the file holds: more than are saved when entries were cut. */
  #inFile: number
  #tail: Buffer = NO_BYTES
  #unsaved = 0

  constructor(
    size: number,
    file?: IndexFile,
    { count = 0, inFile = count }: { count?: number; inFile?: number } = {},
  ) {
    this.size = size
    this.#file = file
    this.#saved = count
    this.#inFile = inFile
  }

  get count(): number {
    return this.#saved + this.#unsaved
  }

  get saved(): number {
    return this.#saved
  }

  /** How many the file holds. */
  get inFile(): number {
    return this.#inFile
  }

  /** How many are in memory only. */
  get unsaved(): number {
    return this.#unsaved
  }

  /** Whether the file is not what it should be. */
  get changed(): boolean {
    return this.count !== this.#inFile || this.#unsaved > 0
  }

  /** The entries that the file lacks. */
  get unsavedBytes(): Buffer {
    return this.#tail.subarray(0, this.#unsaved * this.size)
  }

  /** Makes room for one more entry and says where it is to be written. */
  add(): IndexEntry {
    const at = this.#unsaved * this.size
    if (at + this.size > this.#tail.length) {
      const grown = Buffer.alloc(Math.max(ENTRIES_MIN * this.size, this.#tail.length * 2))
      this.#tail.copy(grown, 0, 0, at)
      this.#tail = grown
    }
    this.#unsaved++
    return { slot: this.count - 1, bytes: this.#tail, at }
  }

  /** The first `count` unsaved entries are in the file now. */
  markSaved(count: number, file: IndexFile): void {
    this.#file ??= file
    this.#saved += count
    this.#inFile = this.#saved
    this.#unsaved -= count
    const left = this.#tail.subarray(count * this.size, (count + this.#unsaved) * this.size)
    this.#tail = left.length === 0 ? NO_BYTES : Buffer.from(left)
  }

  /** Where the only unsaved entry is known to be the last one of the file, it is not unsaved. */
  adopt(): void {
    if (this.#unsaved === 1 && this.#inFile === this.count && this.#file !== undefined)
      this.markSaved(1, this.#file)
  }

  /** The last entry for which `fits` holds, where it holds for a first part of the entries. */
  async floor(fits: (bytes: Buffer, at: number) => boolean): Promise<IndexEntry | undefined> {
    const { size } = this
    // In one go, before anything is waited for: saving moves entries from the memory to the file.
    const tail = this.#tail
    const saved = this.#saved
    if (this.#unsaved > 0 && fits(tail, 0)) {
      const slot = floorSlot(this.#unsaved, index => fits(tail, index * size))
      return { slot: saved + slot, bytes: tail, at: slot * size }
    }
    const file = this.#file
    if (saved === 0 || file === undefined) return undefined
    let low = 0
    for (let high = Math.ceil((saved * size) / INDEX_PAGE_BYTES) - 1; low < high;) {
      const middle = (low + high + 1) >>> 1
      const page = file.page(middle, saved * size)
      if (fits(Buffer.isBuffer(page) ? page : await page, 0)) low = middle
      else high = middle - 1
    }
    const found = file.page(low, saved * size)
    const page = Buffer.isBuffer(found) ? found : await found
    const count = Math.min(page.length, saved * size - low * INDEX_PAGE_BYTES) / size
    const slot = floorSlot(Math.floor(count), index => fits(page, index * size))
    return slot < 0
      ? undefined
      : { slot: (low * INDEX_PAGE_BYTES) / size + slot, bytes: page, at: slot * size }
  }

  /** The entry at `slot`, if there are so many. */
  async entry(slot: number): Promise<IndexEntry | undefined> {
    if (slot < 0 || slot >= this.count) return undefined
    if (slot >= this.#saved) return { slot, bytes: this.#tail, at: (slot - this.#saved) * this.size }
    const file = this.#file
    if (file === undefined) return undefined
    const position = slot * this.size
    const page = await file.page(Math.floor(position / INDEX_PAGE_BYTES), this.#saved * this.size)
    return { slot, bytes: page, at: position % INDEX_PAGE_BYTES }
  }
}

/** The last slot for which `fits` holds, where it holds for a first part of the slots; -1 for none. */
export function floorSlot(slots: number, fits: (slot: number) => boolean): number {
  let low = -1
  let high = slots - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}
