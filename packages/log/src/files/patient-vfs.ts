import type { OpenMode, Vfs, VfsEntry, VfsFile, VfsStat, VfsSync } from '@varve/platform'
import type { OpenFiles } from './open-files.ts'

/**
 * A file system whose operations do not fail at once when the process has too many files open: handles that are kept
 * only for the next time are given back, others are waited for.
 */
export class PatientVfs implements Vfs {
  readonly #vfs: Vfs
  readonly #files: OpenFiles

  constructor(vfs: Vfs, files: OpenFiles) {
    this.#vfs = vfs
    this.#files = files
  }

  get sync(): VfsSync {
    return this.#vfs.sync
  }

  get answersInPlace(): boolean {
    return this.#vfs.answersInPlace === true
  }

  async open(path: string, mode: OpenMode): Promise<VfsFile> {
    const { file, closed } = await this.#files.borrow(() => this.#vfs.open(path, mode))
    return new BorrowedFile(file, closed)
  }

  readFile(path: string, options?: { max?: number }): Promise<Buffer> {
    return this.#files.patiently(() => this.#vfs.readFile(path, options))
  }

  list(path: string): Promise<VfsEntry[]> {
    return this.#files.patiently(() => this.#vfs.list(path))
  }

  syncDir(path: string): Promise<void> {
    return this.#files.patiently(() => this.#vfs.syncDir(path))
  }

  removeTree(path: string): Promise<void> {
    return this.#files.patiently(() => this.#vfs.removeTree(path))
  }

  ensureDir(path: string): Promise<void> {
    return this.#files.patiently(() => this.#vfs.ensureDir(path))
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
}

/** A file that says when its handle is free again. */
class BorrowedFile implements VfsFile {
  readonly #file: VfsFile
  readonly #closed: () => void

  constructor(file: VfsFile, closed: () => void) {
    this.#file = file
    this.#closed = closed
  }

  get path(): string {
    return this.#file.path
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, position)
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return this.#file.write(buffers, position)
  }

  datasync(): Promise<void> {
    return this.#file.datasync()
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size)
  }

  stat(): Promise<VfsStat> {
    return this.#file.stat()
  }

  async close(): Promise<void> {
    try {
      await this.#file.close()
    } finally {
      this.#closed()
    }
  }
}
