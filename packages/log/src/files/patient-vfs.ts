import {
  isVarveError,
  type OpenMode,
  type Vfs,
  type VfsEntry,
  type VfsFile,
  type VfsStat,
  type VfsSync,
} from '@varve/platform'

/** How often an operation is tried when the process has no handle left for it. */
const HANDLE_ATTEMPTS_MAX = 8

/**
 * A file system whose operations do not fail at once when the process has too many files open: handles that are kept
 * only for the next time are given back, and it is tried again.
 */
export class PatientVfs implements Vfs {
  readonly #vfs: Vfs
  readonly #giveBack: () => Promise<boolean>

  /** @param giveBack closes some handles, or waits until one is free; false where there is nothing to hope for */
  constructor(vfs: Vfs, giveBack: () => Promise<boolean>) {
    this.#vfs = vfs
    this.#giveBack = giveBack
  }

  get sync(): VfsSync {
    return this.#vfs.sync
  }

  get answersInPlace(): boolean {
    return this.#vfs.answersInPlace === true
  }

  open(path: string, mode: OpenMode): Promise<VfsFile> {
    return this.#patiently(() => this.#vfs.open(path, mode))
  }

  readFile(path: string, options?: { max?: number }): Promise<Buffer> {
    return this.#patiently(() => this.#vfs.readFile(path, options))
  }

  list(path: string): Promise<VfsEntry[]> {
    return this.#patiently(() => this.#vfs.list(path))
  }

  syncDir(path: string): Promise<void> {
    return this.#patiently(() => this.#vfs.syncDir(path))
  }

  removeTree(path: string): Promise<void> {
    return this.#patiently(() => this.#vfs.removeTree(path))
  }

  ensureDir(path: string): Promise<void> {
    return this.#patiently(() => this.#vfs.ensureDir(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#vfs.rename(from, to)
  }

  link(from: string, to: string): Promise<void> {
    return this.#vfs.link(from, to)
  }

  unlink(path: string): Promise<void> {
    return this.#vfs.unlink(path)
  }

  mkdir(path: string): Promise<void> {
    return this.#vfs.mkdir(path)
  }

  rmdir(path: string): Promise<void> {
    return this.#vfs.rmdir(path)
  }

  stat(path: string): Promise<VfsStat | undefined> {
    return this.#vfs.stat(path)
  }

  spaceLeft(path: string): Promise<number> {
    return this.#vfs.spaceLeft(path)
  }

  realPath(path: string): Promise<string> {
    return this.#vfs.realPath(path)
  }

  async #patiently<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run()
      } catch (error) {
        if (!isVarveError(error, 'TOO_MANY_OPEN_FILES') || attempt >= HANDLE_ATTEMPTS_MAX) throw error
        if (!(await this.#giveBack())) throw error
      }
    }
  }
}
