import type { OpenMode, VfsEntry, VfsFileSync, VfsStat, VfsSync } from '@varve/platform'
import { doomNextSync, firstBytes } from './fault.ts'
import type { FaultPlan } from './fault-plan.ts'

/** The synchronous face of a `FaultFs`: it shares the plan and the counts, but cannot wait. */
export class FaultFsSync implements VfsSync {
  readonly #inner: VfsSync
  readonly #plan: FaultPlan

  constructor(inner: VfsSync, plan: FaultPlan) {
    this.#inner = inner
    this.#plan = plan
  }

  open(path: string, mode: OpenMode): VfsFileSync {
    return this.#plan.runSync('open', path, () => new FaultFileSync(this.#inner.open(path, mode), this.#plan))
  }

  readFile(path: string, options?: { max?: number }): Buffer {
    return this.#plan.runSync('readFile', path, () => this.#inner.readFile(path, options))
  }

  rename(from: string, to: string): void {
    this.#plan.runSync('rename', `${from} ${to}`, () => this.#inner.rename(from, to))
  }

  link(from: string, to: string): void {
    this.#plan.runSync('link', `${from} ${to}`, () => this.#inner.link(from, to))
  }

  unlink(path: string): void {
    this.#plan.runSync('unlink', path, () => this.#inner.unlink(path))
  }

  mkdir(path: string): void {
    this.#plan.runSync('mkdir', path, () => this.#inner.mkdir(path))
  }

  ensureDir(path: string): void {
    this.#plan.runSync('ensureDir', path, () => this.#inner.ensureDir(path))
  }

  rmdir(path: string): void {
    this.#plan.runSync('rmdir', path, () => this.#inner.rmdir(path))
  }

  removeTree(path: string): void {
    this.#plan.runSync('removeTree', path, () => this.#inner.removeTree(path))
  }

  list(path: string): VfsEntry[] {
    return this.#plan.runSync('list', path, () => this.#inner.list(path))
  }

  syncDir(path: string): void {
    this.#plan.runSync('syncDir', path, () => this.#inner.syncDir(path))
  }

  stat(path: string): VfsStat | undefined {
    return this.#plan.runSync('stat', path, () => this.#inner.stat(path))
  }

  spaceLeft(path: string): number {
    return this.#plan.runSync('spaceLeft', path, () => this.#inner.spaceLeft(path))
  }

  realPath(path: string): string {
    return this.#plan.runSync('realPath', path, () => this.#inner.realPath(path))
  }
}

class FaultFileSync implements VfsFileSync {
  readonly #inner: VfsFileSync
  readonly #plan: FaultPlan

  constructor(inner: VfsFileSync, plan: FaultPlan) {
    this.#inner = inner
    this.#plan = plan
  }

  get path(): string {
    return this.#inner.path
  }

  read(target: Uint8Array, position: number): number {
    return this.#plan.runSync('read', this.path, () => this.#inner.read(target, position))
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const write = (some: readonly Uint8Array[]): void => this.#inner.write(some, position)
    this.#plan.runSync(
      'write',
      this.path,
      () => write(buffers),
      fault => {
        const { shortBytes = 0 } = fault.options
        if (shortBytes > 0) write(firstBytes(buffers, shortBytes))
      },
    )
  }

  datasync(): void {
    this.#plan.runSync(
      'datasync',
      this.path,
      () => this.#inner.datasync(),
      () => {
        if (!doomNextSync(this.#inner)) return
        try {
          this.#inner.datasync()
        } catch {
          // Meant to fail: it has doomed the pages, and the plan's own error is thrown.
        }
      },
    )
  }

  truncate(size: number): void {
    this.#plan.runSync('truncate', this.path, () => this.#inner.truncate(size))
  }

  stat(): VfsStat {
    return this.#plan.runSync('file-stat', this.path, () => this.#inner.stat())
  }

  close(): void {
    this.#plan.runSync(
      'close',
      this.path,
      () => this.#inner.close(),
      () => this.#inner.close(),
    )
  }
}
