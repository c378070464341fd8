import { LRUCache } from 'lru-cache'
import { sep } from 'node:path'
import { isVarveError, VarveError, type Clock, type OpenMode, type Vfs, type VfsFile } from '@varve/platform'

/** So many handles are kept however few the process has. */
const MAX_MIN = 4
/** How often an operation is tried for which the process has no handle. */
const ATTEMPTS_MAX = 100
/** How long one attempt waits for a handle, at most. */
const HANDLE_WAIT_MS = 1000

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
  readonly #clock: Clock
  #max: number
  readonly #mode: OpenMode
  readonly #busy = new Map<string, Handle>()
  readonly #opening = new Map<string, Promise<Handle>>()
  readonly #idle: LRUCache<string, Handle>
  readonly #waiting: (() => void)[] = []
  /** The paths of all handles by their folder, so that whoever closes one of thousands does not go through all. */
  readonly #inFolder = new Map<string, string[]>()
  /** Handles that nobody waits for while they close. */
  readonly #closing = new Set<Promise<void>>()
  #open = 0
  /** Handles that others have for a moment, or ask for. */
  #borrowed = 0
  #closed = false

  constructor(vfs: Vfs, options: { max: number; mode: OpenMode; clock: Clock }) {
    const { max, mode, clock } = options
    this.#clock = clock
    this.#vfs = vfs
    this.#mode = mode
    this.#max = max
    this.#idle = new LRUCache({ max })
  }

  /** How many handles are open now. */
  get count(): number {
    return this.#open
  }

  /**
   * Runs `task` with the file at `path`, which stays open meanwhile. A task that uses another file could wait for ever
   * for a handle: it holds one itself.
   *
   * @param options.mode with which it is opened, if it is not; default that of all
   * @param options.keep whether the handle stays open for the next one; default true
   */
  async use<T>(
    path: string,
    task: (file: VfsFile) => Promise<T>,
    { mode = this.#mode, keep = true }: { mode?: OpenMode; keep?: boolean } = {},
  ): Promise<T> {
    const handle = this.#take(path) ?? (await this.#acquire(path, mode))
    try {
      return await task(handle.file)
    } finally {
      this.#release(handle, keep)
    }
  }

  /**
   * Closes the idle handles of files whose path starts with `prefix`; busy ones close when they are released. No handle
   * that was asked for before is used again: another file may get that path.
   */
  async drop(prefix: string): Promise<void> {
    if (prefix !== '' && !this.#inFolder.has(folderOf(prefix))) return
    await Promise.allSettled(this.#paths(prefix).map(async path => this.#opening.get(path)))
    const closing: Promise<void>[] = []
    for (const path of this.#paths(prefix)) {
      const busy = this.#busy.get(path)
      if (busy !== undefined) busy.dropped = true
      const idle = this.#idle.peek(path)
      if (idle === undefined) continue
      this.#idle.delete(path)
      closing.push(this.#close(idle))
    }
    await Promise.all(closing)
  }

  #paths(prefix: string): string[] {
    if (prefix === '') return [...this.#inFolder.values()].flat()
    return (this.#inFolder.get(folderOf(prefix)) ?? []).filter(path => path.startsWith(prefix))
  }

  /**
   * Runs what needs a handle of its own for a moment; where the process has none left, it waits for one.
   *
   * @throws `TOO_MANY_OPEN_FILES` when none comes free in time
   */
  async patiently<T>(run: () => Promise<T>): Promise<T> {
    this.#borrowed++
    try {
      return await this.#attempt(run)
    } finally {
      this.#giveBorrowedBack()
    }
  }

  /** Opens a file that its user closes soon, and tells by `closed`. */
  async borrow(open: () => Promise<VfsFile>): Promise<{ file: VfsFile; closed: () => void }> {
    this.#borrowed++
    try {
      const file = await this.#attempt(open)
      let isOpen = true
      const closed = (): void => {
        if (isOpen) this.#giveBorrowedBack()
        isOpen = false
      }
      return { file, closed }
    } catch (error) {
      this.#giveBorrowedBack()
      throw error
    }
  }

  #giveBorrowedBack(): void {
    this.#borrowed--
    this.#waiting.shift()?.()
  }

  async #attempt<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run()
      } catch (error) {
        if (!isVarveError(error, 'TOO_MANY_OPEN_FILES') || attempt === ATTEMPTS_MAX) throw error
        if (!(await this.#giveBack())) throw error
      }
    }
  }

  /**
   * For when the process has no handle left: keeps fewer from now on, closes an idle one, or waits until a busy one is
   * free.
   *
   * @returns false where there is none to hope for
   */
  async #giveBack(): Promise<boolean> {
    if (this.#closed) return false
    // A quarter is left to everything else that needs handles, in this directory and outside of it.
    if (this.#open > 0) this.#max = Math.max(MAX_MIN, Math.min(this.#max, Math.ceil(this.#open * 0.75)))
    const closing: Promise<void>[] = []
    do {
      const oldest = this.#idle.pop()
      if (oldest === undefined) break
      closing.push(this.#close(oldest))
    } while (this.#open - closing.length > this.#max)
    await Promise.all(closing)
    if (closing.length > 0) return true
    // Whoever asks counts as borrowing, or as opening, himself.
    if (this.#busy.size === 0 && this.#borrowed + this.#opening.size <= 1) return false
    return this.#nextFree()
  }

  /** Waits until a handle is free. Not for ever: those who hold one may wait for another themselves. */
  #nextFree(): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(HANDLE_WAIT_MS, () => {
        const at = this.#waiting.indexOf(free)
        if (at >= 0) this.#waiting.splice(at, 1)
        resolve(false)
      })
      const free = (): void => {
        timer.cancel()
        resolve(true)
      }
      this.#waiting.push(free)
    })
  }

  /** Closes everything that is idle and whatever is released later. */
  async close(): Promise<void> {
    this.#closed = true
    for (const wake of this.#waiting.splice(0)) wake()
    await Promise.allSettled(this.#opening.values())
    await this.drop('')
    await Promise.all(this.#closing)
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

  async #acquire(path: string, mode: OpenMode): Promise<Handle> {
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
    const opening = this.#openFile(path, mode)
    this.#opening.set(path, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(path)
    }
  }

  async #openFile(path: string, mode: OpenMode): Promise<Handle> {
    const folder = folderOf(path)
    this.#open++
    const paths = this.#inFolder.get(folder)
    if (paths === undefined) this.#inFolder.set(folder, [path])
    else paths.push(path)
    try {
      const handle = {
        key: path,
        file: await this.#attempt(() => this.#vfs.open(path, mode)),
        users: 1,
        dropped: false,
      }
      this.#busy.set(path, handle)
      return handle
    } catch (error) {
      this.#gone(path)
      throw error
    }
  }

  #release(handle: Handle, keep: boolean): void {
    if (--handle.users > 0) return
    if (this.#busy.get(handle.key) === handle) this.#busy.delete(handle.key)
    if (handle.dropped || this.#closed || !keep) {
      const closing = this.#close(handle).then(() => {
        this.#closing.delete(closing)
      })
      this.#closing.add(closing)
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
      this.#gone(handle.key)
    }
  }

  #gone(path: string): void {
    const folder = folderOf(path)
    const paths = this.#inFolder.get(folder) ?? []
    paths.splice(paths.indexOf(path), 1)
    if (paths.length === 0) this.#inFolder.delete(folder)
    this.#open--
    this.#waiting.shift()?.()
  }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf(sep)))
}
