import { LRUCache } from 'lru-cache'
import { VarveError } from '@varve/platform'
import type { OpenFiles } from '../files/open-files.ts'

/** Bytes of a page: whole entries of 8 as of 12 bytes. */
export const INDEX_PAGE_BYTES = 6144
/** A file has at most so many pages: positions in an index are 31 bits. */
const PAGES_MAX = 2 ** 20
/** What an object and its place in the cache take, roughly. */
const OVERHEAD_BYTES = 256

/**
 * The pages of all index files of a directory that were looked at lately, and what is known of whole files, under one
 * limit of memory. A binary search over a file touches O(log) pages of it.
 */
export class IndexPages<Known extends object> {
  readonly #files: OpenFiles
  readonly #cache: LRUCache<number, Buffer | Known>
  readonly #loading = new Map<number, Promise<Buffer>>()
  #versions = 0

  constructor(files: OpenFiles, { bytesMax }: { bytesMax: number }) {
    this.#files = files
    this.#cache = new LRUCache({ maxSize: Math.max(1, bytesMax) })
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#cache.calculatedSize
  }

  /** One version of a file. The pages of a version that is given up age out of the cache. */
  file(path: string): IndexFile {
    return new IndexFile(this, path, ++this.#versions)
  }

  /** What is known under an id of its owner's. */
  known(id: number): Known | undefined {
    const found = this.#cache.get(-id)
    return Buffer.isBuffer(found) ? undefined : found
  }

  /** @param bytes what it holds beside the fixed part of it */
  keep(id: number, known: Known, bytes: number): void {
    this.#cache.set(-id, known, { size: bytes + 4 * OVERHEAD_BYTES })
  }

  forget(id: number): void {
    this.#cache.delete(-id)
  }

  /** A page if it is in memory, with at least `need` bytes. */
  cached({ id }: IndexFile, page: number, need: number): Buffer | undefined {
    const found = this.#cache.get(id * PAGES_MAX + page)
    return Buffer.isBuffer(found) && found.length >= need ? found : undefined
  }

  /**
   * A page with `length` bytes, from the file.
   *
   * @throws `CORRUPT_INDEX` where the file is shorter; `NOT_FOUND`
   */
  async load(file: IndexFile, page: number, length: number): Promise<Buffer> {
    const key = file.id * PAGES_MAX + page
    for (;;) {
      const loading = this.#loading.get(key)
      if (loading === undefined) break
      // Whoever began to load it says why that failed; everyone else tries for himself.
      const loaded = await loading.catch(() => undefined)
      if (loaded !== undefined && loaded.length >= length) return loaded
    }
    const loading = this.#load(file, page, length)
    this.#loading.set(key, loading)
    try {
      const bytes = await loading
      this.#cache.set(key, bytes, { size: bytes.length + OVERHEAD_BYTES })
      return bytes
    } finally {
      this.#loading.delete(key)
    }
  }

  /** Bytes of the file, past the pages: for what is looked at once. */
  read(path: string, position: number, length: number): Promise<Buffer> {
    return this.#files.use(path, async file => {
      const bytes = Buffer.allocUnsafeSlow(length)
      if ((await file.read(bytes, position)) === length) return bytes
      throw corruptIndex(path, `it ends before position ${position + length}`)
    })
  }

  #load({ path }: IndexFile, page: number, length: number): Promise<Buffer> {
    return this.read(path, page * INDEX_PAGE_BYTES, length)
  }
}

/** One version of one index file. */
export class IndexFile {
  readonly path: string
  readonly id: number
  readonly #pages: Pick<IndexPages<object>, 'cached' | 'load'>

  constructor(pages: Pick<IndexPages<object>, 'cached' | 'load'>, path: string, id: number) {
    this.#pages = pages
    this.path = path
    this.id = id
  }

  /** The page, of a file of which `size` bytes count: nothing behind them is read, it may change. */
  page(page: number, size: number): Buffer | Promise<Buffer> {
    const length = Math.min(INDEX_PAGE_BYTES, size - page * INDEX_PAGE_BYTES)
    return this.#pages.cached(this, page, length) ?? this.#pages.load(this, page, length)
  }
}

/** The error for an index file that cannot be true: it is made anew from the log, and nobody else sees this. */
export function corruptIndex(path: string, problem: string): VarveError {
  return new VarveError('CORRUPT_INDEX', `The index ${path} does not fit its segment: ${problem}.`, {
    context: { path },
  })
}
