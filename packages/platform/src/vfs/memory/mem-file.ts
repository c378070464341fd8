import { closedError, errnoError } from '../io-error.ts'
import type { VfsFile, VfsFileSync, VfsStat } from '../vfs.ts'
import type { MemState } from './mem-fs-sync.ts'
import { freeIfUnused, type MemFileNode } from './mem-tree.ts'

/** An open file. It outlives its names, as on a disk. */
export class MemFileSync implements VfsFileSync {
  readonly path: string
  readonly #file: MemFileNode
  readonly #state: MemState
  readonly #writable: boolean
  #open = true

  constructor(path: string, of: { file: MemFileNode; state: MemState; writable: boolean }) {
    this.path = path
    this.#file = of.file
    this.#state = of.state
    this.#writable = of.writable
    of.file.handles++
  }

  read(target: Uint8Array, position: number): number {
    return this.#checked('read').content.read(target, position)
  }

  view(position: number, length: number): Buffer | undefined {
    return this.#checked('read').content.view(position, length)
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const file = this.#changed('write')
    let at = position
    for (const buffer of buffers) {
      const count = file.content.write(buffer, at)
      if (count > 0) file.history?.wrote(file.content, at, count)
      at += count
      if (count < buffer.length) throw errnoError('ENOSPC', 'write', this.path)
    }
  }

  datasync(): void {
    const file = this.#checked('sync')
    if (file.syncsToFail > 0) {
      file.syncsToFail--
      file.history?.syncFailed(file.content)
      throw errnoError('EIO', 'sync', this.path)
    }
    file.history?.synced()
    // NTFS: flushing a file flushes the journal of all names.
    if (this.#state.windows) this.#state.history?.allSynced()
  }

  /** Lets the next sync fail as a disk does: the dirty pages stay readable and are lost for good. */
  failNextDatasync(): void {
    this.#checked('sync').syncsToFail++
  }

  truncate(size: number): void {
    const file = this.#changed('truncate')
    file.content.truncate(size)
    file.history?.resized(file.content)
  }

  stat(): VfsStat {
    const { content, modifiedMs, id } = this.#checked('look at')
    return { kind: 'file', size: content.size, modifiedMs, id }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#file.handles--
    freeIfUnused(this.#file)
  }

  #checked(operation: string): MemFileNode {
    if (!this.#open) throw closedError(operation, this.path)
    return this.#file
  }

  #changed(operation: string): MemFileNode {
    const file = this.#checked(operation)
    if (!this.#writable) throw errnoError('EBADF', operation, this.path)
    file.modifiedMs = this.#state.clock.now()
    return file
  }
}

/** The same file with answers in promises. */
export class MemFile implements VfsFile {
  readonly #file: MemFileSync

  constructor(file: MemFileSync) {
    this.#file = file
  }

  get path(): string {
    return this.#file.path
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return settle(() => this.#file.read(target, position))
  }

  view(position: number, length: number): Buffer | undefined {
    return this.#file.view(position, length)
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return settle(() => {
      this.#file.write(buffers, position)
    })
  }

  datasync(): Promise<void> {
    return settle(() => {
      this.#file.datasync()
    })
  }

  failNextDatasync(): void {
    this.#file.failNextDatasync()
  }

  truncate(size: number): Promise<void> {
    return settle(() => {
      this.#file.truncate(size)
    })
  }

  stat(): Promise<VfsStat> {
    return settle(() => this.#file.stat())
  }

  close(): Promise<void> {
    return settle(() => {
      this.#file.close()
    })
  }
}

/** Runs now and answers in a promise, whether it returns or throws. */
export function settle<T>(run: () => T): Promise<T> {
  return new Promise(resolve => {
    resolve(run())
  })
}
