import { inspect } from 'node:util'
import {
  type OpenMode,
  type Vfs,
  type VfsEntry,
  type VfsFile,
  type VfsStat,
  type VfsSync,
} from '@varve/platform'
import {
  doomNextSync,
  firstBytes,
  type Fault,
  type FaultOptions,
  type Operation,
  type Target,
} from './fault.ts'
import type { Delay, DelayOptions } from './delay.ts'
import { FaultFsSync } from './fault-fs-sync.ts'
import { FaultPlan, type FaultFsOptions } from './fault-plan.ts'
import type { Hold } from './hold.ts'

/**
 * A file system that counts its calls and lets them fail, fall short or wait as planned. It offers no `view`, so that
 * each read can fail.
 */
export class FaultFs implements Vfs {
  readonly sync: VfsSync
  readonly #inner: Vfs
  readonly #plan: FaultPlan

  constructor(inner: Vfs, options: FaultFsOptions = {}) {
    this.#inner = inner
    this.#plan = new FaultPlan(options)
    this.sync = new FaultFsSync(inner.sync, this.#plan)
  }

  /** Plans a failure. */
  fail(options: FaultOptions): Fault {
    return this.#plan.fail(options)
  }

  /** Makes calls slow on a clock that is handed in; only those of the asynchronous face. */
  delay(options: DelayOptions): Delay {
    return this.#plan.delay(options)
  }

  /** Lets calls wait until they are released; only those of the asynchronous face. */
  hold(target: Target): Hold {
    return this.#plan.hold(target)
  }

  /** From now on every call fails: the engine above is as dead as its machine. */
  cutPower(): void {
    this.#plan.powerCut = true
  }

  /** How many calls there were, of all kinds. */
  get operations(): number {
    return this.#plan.number
  }

  /** How many calls of one kind there were. */
  count(operation: Operation): number {
    return this.#plan.counts.get(operation) ?? 0
  }

  /** Throws where a planned failure or delay has not come: such a test has tested nothing. */
  assertFired(): void {
    for (const fault of [...this.#plan.faults, ...this.#plan.delays]) {
      if (fault.fired === 0) throw new Error(`the fault never fired: ${inspect(fault.options)}`)
    }
  }

  open(path: string, mode: OpenMode): Promise<VfsFile> {
    return this.#plan.run(
      'open',
      path,
      async () => new FaultFile(await this.#inner.open(path, mode), this.#plan),
    )
  }

  readFile(path: string, options?: { max?: number }): Promise<Buffer> {
    return this.#plan.run('readFile', path, () => this.#inner.readFile(path, options))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#plan.run('rename', `${from} ${to}`, () => this.#inner.rename(from, to))
  }

  link(from: string, to: string): Promise<void> {
    return this.#plan.run('link', `${from} ${to}`, () => this.#inner.link(from, to))
  }

  unlink(path: string): Promise<void> {
    return this.#plan.run('unlink', path, () => this.#inner.unlink(path))
  }

  mkdir(path: string): Promise<void> {
    return this.#plan.run('mkdir', path, () => this.#inner.mkdir(path))
  }

  ensureDir(path: string): Promise<void> {
    return this.#plan.run('ensureDir', path, () => this.#inner.ensureDir(path))
  }

  rmdir(path: string): Promise<void> {
    return this.#plan.run('rmdir', path, () => this.#inner.rmdir(path))
  }

  removeTree(path: string): Promise<void> {
    return this.#plan.run('removeTree', path, () => this.#inner.removeTree(path))
  }

  list(path: string): Promise<VfsEntry[]> {
    return this.#plan.run('list', path, () => this.#inner.list(path))
  }

  syncDir(path: string): Promise<void> {
    return this.#plan.run('syncDir', path, () => this.#inner.syncDir(path))
  }

  stat(path: string): Promise<VfsStat | undefined> {
    return this.#plan.run('stat', path, () => this.#inner.stat(path))
  }

  spaceLeft(path: string): Promise<number> {
    return this.#plan.run('spaceLeft', path, () => this.#inner.spaceLeft(path))
  }

  realPath(path: string): Promise<string> {
    return this.#plan.run('realPath', path, () => this.#inner.realPath(path))
  }
}

class FaultFile implements VfsFile {
  readonly #inner: VfsFile
  readonly #plan: FaultPlan

  constructor(inner: VfsFile, plan: FaultPlan) {
    this.#inner = inner
    this.#plan = plan
  }

  get path(): string {
    return this.#inner.path
  }

  /** Passed on, so that one `FaultFs` can stand on another. */
  get failNextDatasync(): (() => void) | undefined {
    const { failNextDatasync } = this.#inner as { failNextDatasync?: () => void }
    return failNextDatasync?.bind(this.#inner)
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#plan.run('read', this.path, () => this.#inner.read(target, position))
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    const write = (some: readonly Uint8Array[]): Promise<void> => this.#inner.write(some, position)
    return this.#plan.run(
      'write',
      this.path,
      () => write(buffers),
      async fault => {
        const { shortBytes = 0 } = fault.options
        if (shortBytes > 0) await write(firstBytes(buffers, shortBytes))
      },
    )
  }

  datasync(): Promise<void> {
    return this.#plan.run(
      'datasync',
      this.path,
      () => this.#inner.datasync(),
      async () => {
        if (doomNextSync(this.#inner)) await this.#inner.datasync().catch(() => undefined)
      },
    )
  }

  truncate(size: number): Promise<void> {
    return this.#plan.run('truncate', this.path, () => this.#inner.truncate(size))
  }

  stat(): Promise<VfsStat> {
    return this.#plan.run('file-stat', this.path, () => this.#inner.stat())
  }

  /** A file is closed even when closing fails, as on a disk, so that no handle is lost to a test. */
  close(): Promise<void> {
    return this.#plan.run(
      'close',
      this.path,
      () => this.#inner.close(),
      () => this.#inner.close(),
    )
  }
}
