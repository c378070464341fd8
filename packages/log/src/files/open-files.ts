import { LRUCache } from 'lru-cache'
import { VarveError, type OpenMode, type Vfs, type VfsFile } from '@varve/platform'

interface Handle {
  readonly key: string
  readonly file: VfsFile
  users: number
  /** Set while the handle must not go back to the idle ones. */
  dropped: boolean
}

/**
 * The handles of all segments of a directory, under one limit. A handle in use is never closed; idle ones are closed,
 * least recently used first, when another file has to be opened.
 */
export class OpenFiles {
  readonly #vfs: Vfs
  readonly #max: number
  readonly #mode: OpenMode
  readonly #busy = new Map<string, Handle>()
  readonly #opening = new Map<string, Promise<Handle>>()
  readonly #idle: LRUCache<string, Handle>
  readonly #waiting: (() => void)[] = []
  #open = 0
  #closed = false

  constructor(vfs: Vfs, options: { max: number; mode: OpenMode }) {
    const { max, mode } = options
    this.#vfs = vfs
    this.#mode = mode
    this.#max = max
    this.#idle = new LRUCache({ max })
  }

  /** How many handles are open now. */
  get count(): number {
    return this.#open
  }

  /** Runs `task` with the file at `path`, which stays open meanwhile. */
  async use<T>(path: string, task: (file: VfsFile) => Promise<T>): Promise<T> {
    const handle = this.#take(path) ?? (await this.#acquire(path))
    try {
      return await task(handle.file)
    } finally {
      this.#release(handle)
    }
  }

  /**
   * Closes the idle handles of files whose path starts with `prefix`; busy ones close when they are released. No handle
   * that was asked for before is used again: another file may get that path.
   */
  async drop(prefix: string): Promise<void> {
    const opening = [...this.#opening].filter(([path]) => path.startsWith(prefix))
    await Promise.allSettled(opening.map(([, handle]) => handle))
    const closing: Promise<void>[] = []
    for (const handle of this.#busy.values()) if (handle.file.path.startsWith(prefix)) handle.dropped = true
    for (const [key, handle] of [...this.#idle.entries()]) {
      if (!handle.file.path.startsWith(prefix)) continue
      this.#idle.delete(key)
      closing.push(this.#close(handle))
    }
    await Promise.all(closing)
  }

  /** Closes everything that is idle and whatever is released later. */
  async close(): Promise<void> {
    this.#closed = true
    for (const wake of this.#waiting.splice(0)) wake()
    await Promise.allSettled(this.#opening.values())
    await this.drop('')
  }

  #take(path: string): Handle | undefined {
    const busy = this.#busy.get(path)
    if (busy !== undefined && !busy.dropped) {
      busy.users++
      return busy
    }
    const idle = this.#idle.get(path)
    if (idle === undefined) return undefined
    this.#idle.delete(path)
    idle.users = 1
    this.#busy.set(path, idle)
    return idle
  }

  async #acquire(path: string): Promise<Handle> {
    for (;;) {
      if (this.#closed)
        throw new VarveError('CLOSED', `The file ${path} cannot be opened: its directory was closed.`, {
          context: { path },
        })
      const taken = this.#take(path)
      if (taken !== undefined) return taken
      const opening = this.#opening.get(path)
      if (opening !== undefined) {
        // Whoever began to open it says why it failed; everyone else tries for himself.
        await opening.catch(() => undefined)
        continue
      }
      if (this.#open < this.#max) break
      const oldest = this.#idle.pop()
      if (oldest === undefined) await new Promise<void>(resolve => this.#waiting.push(resolve))
      else await this.#close(oldest)
    }
    const opening = this.#openFile(path)
    this.#opening.set(path, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(path)
    }
  }

  async #openFile(path: string): Promise<Handle> {
    this.#open++
    try {
      const handle = { key: path, file: await this.#vfs.open(path, this.#mode), users: 1, dropped: false }
      this.#busy.set(path, handle)
      return handle
    } catch (error) {
      this.#open--
      this.#waiting.shift()?.()
      throw error
    }
  }

  #release(handle: Handle): void {
    if (--handle.users > 0) return
    if (this.#busy.get(handle.key) === handle) this.#busy.delete(handle.key)
    if (handle.dropped || this.#closed) {
      void this.#close(handle)
    } else {
      this.#idle.set(handle.key, handle)
      this.#waiting.shift()?.()
    }
  }

  async #close(handle: Handle): Promise<void> {
    try {
      await handle.file.close()
    } catch {
      // What was promised was synced before; a failed close loses no more than a number.
    } finally {
      this.#open--
      this.#waiting.shift()?.()
    }
  }
}
