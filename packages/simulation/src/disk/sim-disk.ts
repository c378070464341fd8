import { errnoError, isVarveError, type MemFs, type SeededRandom } from '@varve/platform'
import type { OpenMode, Vfs, VfsEntry, VfsFile, VfsStat, VfsSync } from '@varve/platform'
import { faultFor, type DiskOperation, type FaultKind, type FaultPlan, type FiredFault } from './fault.ts'
import { SimFile } from './sim-file.ts'

export interface SimDiskOptions {
  readonly mem: MemFs
  /** Decides how long operations take, and on which side of the last one the power goes. */
  readonly random: SeededRandom
  /** The operation, counted from 1, at which everything stops. Default: none. */
  readonly stopAt?: number
  readonly faults?: readonly FaultPlan[]
  /** Whether operations take a while, so that others come in between. Default true. */
  readonly delays?: boolean
  /** Told of each operation, just before it is done or fails. */
  readonly watch?: ((done: WatchedOperation) => void) | undefined
}

export interface WatchedOperation {
  readonly at: number
  readonly operation: DiskOperation
  readonly path: string
  readonly fault?: FaultKind
}

/**
 * A disk as one process sees it: counts its operations, lets each take a while, lets some fail, and stops for good at
 * one of them. From then on no operation ever returns: whoever waits for one waits as a dead process does. What the
 * file system held at that moment stays in `mem`.
 */
export class SimDisk implements Vfs {
  readonly mem: MemFs
  readonly fired: FiredFault[] = []
  /** How many operations there were. */
  operations = 0
  dead = false
  readonly #random: SeededRandom
  readonly #stopAt: number
  readonly #faults: FaultPlan[]
  readonly #delays: boolean
  readonly #watch: SimDiskOptions['watch']

  constructor({ mem, random, stopAt = Infinity, faults = [], delays = true, watch }: SimDiskOptions) {
    this.mem = mem
    this.#random = random
    this.#stopAt = stopAt
    this.#faults = [...faults]
    this.#delays = delays
    this.#watch = watch
  }

  /** Everything that reaches the disk goes through `step`; the synchronous face would go round it. */
  get sync(): VfsSync {
    throw new Error('The simulated disk has no synchronous face.')
  }

  /** Whether a fault is still to come or lasts. */
  get faultsLeft(): number {
    return this.#faults.length
  }

  /** Ends all trouble that was planned. */
  repair(): void {
    this.#faults.length = 0
  }

  stop(): void {
    this.dead = true
  }

  /**
   * @param run does the operation at once
   * @param part does a part of it; for writes, which may break off
   */
  async step<T>(operation: DiskOperation, path: string, run: () => T, part?: () => void): Promise<T> {
    await this.#delay()
    if (this.dead) return never()
    const at = ++this.operations
    const stops = at >= this.#stopAt
    if (stops && this.#random.int(2) === 0) return this.#stopped()
    const fault = faultFor(this.#faults, at, operation)
    if (fault !== undefined) {
      this.#watch?.({ at, operation, path, fault: fault.kind })
      this.fired.push({ kind: fault.kind, at, operation, path })
      if (fault.kind !== 'no-handles') part?.()
      if (stops) return this.#stopped()
      if (operation === 'datasync') this.#doom(path)
      if (operation === 'datasync') run()
      throw errnoError(errnoOf(fault), operation, path)
    }
    this.#watch?.({ at, operation, path })
    const result = run()
    if (stops) return this.#stopped()
    return result
  }

  async open(path: string, mode: OpenMode): Promise<VfsFile> {
    const file = await this.step('open', path, () => this.mem.sync.open(path, mode))
    return new SimFile(file, this, this.#random)
  }

  readFile(path: string, options?: { max?: number }): Promise<Buffer> {
    return this.step('readFile', path, () => this.mem.sync.readFile(path, options))
  }

  rename(from: string, to: string): Promise<void> {
    return this.step('rename', from, () => {
      this.mem.sync.rename(from, to)
    })
  }

  link(from: string, to: string): Promise<void> {
    return this.step('link', to, () => {
      this.mem.sync.link(from, to)
    })
  }

  unlink(path: string): Promise<void> {
    return this.step('unlink', path, () => {
      this.mem.sync.unlink(path)
    })
  }

  mkdir(path: string): Promise<void> {
    return this.step('mkdir', path, () => {
      this.mem.sync.mkdir(path)
    })
  }

  /** In the steps of which it consists, so that it can stop between any two. */
  async ensureDir(path: string): Promise<void> {
    if (this.mem.sync.stat(path)?.kind === 'folder') return
    await this.ensureDir(`${path}/..`)
    try {
      await this.mkdir(path)
    } catch (error) {
      if (!isVarveError(error, 'ALREADY_EXISTS')) throw error
    }
    await this.syncDir(`${path}/..`)
  }

  rmdir(path: string): Promise<void> {
    return this.step('rmdir', path, () => {
      this.mem.sync.rmdir(path)
    })
  }

  /** In the steps of which it consists, so that it can stop between any two. */
  async removeTree(path: string): Promise<void> {
    const found = this.mem.sync.stat(path)
    if (found === undefined) return
    if (found.kind !== 'folder') {
      await this.unlink(path)
      return
    }
    for (const { name } of await this.list(path)) await this.removeTree(`${path}/${name}`)
    await this.rmdir(path)
  }

  list(path: string): Promise<VfsEntry[]> {
    return this.step('list', path, () => this.mem.sync.list(path))
  }

  syncDir(path: string): Promise<void> {
    return this.step('syncDir', path, () => {
      this.mem.sync.syncDir(path)
    })
  }

  stat(path: string): Promise<VfsStat | undefined> {
    return this.step('stat', path, () => this.mem.sync.stat(path))
  }

  spaceLeft(path: string): Promise<number> {
    return this.step('spaceLeft', path, () => this.mem.sync.spaceLeft(path))
  }

  realPath(path: string): Promise<string> {
    return this.step('realPath', path, () => this.mem.sync.realPath(path))
  }

  #stopped(): Promise<never> {
    this.stop()
    return never()
  }

  /** What the kernel does with pages that it could not write. The file may have lost its name since. */
  #doom(path: string): void {
    try {
      this.mem.failNextDatasync(path)
    } catch (error) {
      if (!isVarveError(error)) throw error
    }
  }

  async #delay(): Promise<void> {
    if (!this.#delays) return
    const kind = this.#random.int(16)
    if (kind === 0) await turn()
    else for (let hop = kind >> 2; hop > 0; hop--) await Promise.resolve()
  }
}

/** Lets everything run that can run now. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}

function errnoOf({ kind }: FaultPlan): string {
  if (kind === 'disk-full') return 'ENOSPC'
  return kind === 'no-handles' ? 'EMFILE' : 'EIO'
}
