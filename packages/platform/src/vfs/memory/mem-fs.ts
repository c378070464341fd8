import { realClock, type Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { VarveError } from '../../errors.ts'
import { errnoError } from '../io-error.ts'
import type { OpenMode, Vfs, VfsEntry, VfsFile, VfsStat } from '../vfs.ts'
import { crashedTree } from './crash-clone.ts'
import { MemBudget } from './mem-content.ts'
import { MemFile, settle } from './mem-file.ts'
import { MemFsSync } from './mem-fs-sync.ts'
import { memNames } from './mem-names.ts'
import { MemTree, type MemFolderNode } from './mem-tree.ts'
import { NameHistory } from './name-history.ts'

export interface MemFsOptions {
  /** Whether to keep what `crashClone` needs; costs a second copy of all bytes. Default false. */
  crashable?: boolean
  /** Memory for the bytes of all files; what does not fit fails with `DISK_FULL`. Default: no limit. */
  bytesMax?: number
  /** Whether names that differ only in case are one name, as on macOS. Default false, true with `windows`. */
  caseInsensitive?: boolean
  /**
   * Whether to refuse what Windows refuses (reserved names and characters, replacing a file that is open, renaming a
   * folder with an open file in it), to take `\` as a separator and to have no folder sync. Default false.
   */
  windows?: boolean
  /** For the files' times. Default: the machine's. */
  clock?: Clock
}

export interface CrashOptions {
  rng: Random
  /** How likely what was not synced is there afterwards: 0 nothing of it, 100 all of it. */
  unsyncedPercent: number
}

let devices = 0

/** A file system in memory; where `crashable`, also what a power cut would leave of it. */
export class MemFs implements Vfs {
  readonly sync: MemFsSync
  readonly #options: MemFsOptions
  readonly #tree: MemTree
  readonly #budget: MemBudget
  readonly #history: NameHistory | undefined

  constructor(options: MemFsOptions = {}) {
    const { windows = false, caseInsensitive = windows, clock = realClock } = options
    const device = devices++
    let files = 0
    const nextId = (): string => `memory-${device}:${files++}`
    const root: MemFolderNode = { kind: 'folder', id: nextId(), entries: new Map(), modifiedMs: clock.now() }
    this.#options = options
    this.#budget = new MemBudget(options.bytesMax ?? Infinity)
    this.#history = options.crashable === true ? new NameHistory() : undefined
    this.#tree = new MemTree(root, memNames({ caseInsensitive, windows }), this.#history)
    this.sync = new MemFsSync({
      tree: this.#tree,
      budget: this.#budget,
      clock,
      windows,
      history: this.#history,
      nextId,
    })
  }

  /** Memory that the files take, in bytes: whole chunks, so up to twice their sizes. */
  get bytesUsed(): number {
    return this.#budget.used
  }

  /**
   * A file system as a power cut at this moment could leave it; this one goes on as it is. The same history, seed and
   * percentage give the same result. Unsynced bytes are lost or torn by sector of 512 bytes, in order or not; unsynced
   * names and renames are lost or torn; an unlinked file may be back.
   */
  crashClone(options: CrashOptions): MemFs {
    if (this.#history === undefined) {
      throw new VarveError(
        'INVALID_ARGUMENT',
        'Cannot crash this MemFs: it was made without crashable: true, add that.',
      )
    }
    const clone = new MemFs(this.#options)
    const { max } = clone.#budget
    // A file that was removed or cut may be back: what a disk held it holds.
    clone.#budget.max = Infinity
    const inOrder = this.#options.windows === true
    crashedTree({ ...options, from: this.#tree, history: this.#history, clone: clone.sync, inOrder })
    clone.#budget.max = max
    clone.#history?.allSynced()
    return clone
  }

  /** Lets the next sync of the file at `path` fail as a disk does: its dirty pages are readable but lost for good. */
  failNextDatasync(path: string): void {
    const node = this.#tree.find(path)
    if (node?.kind !== 'file') throw errnoError('ENOENT', 'let a sync fail of', path)
    node.syncsToFail++
  }

  open(path: string, mode: OpenMode): Promise<VfsFile> {
    return settle(() => new MemFile(this.sync.openFile(path, mode)))
  }

  readFile(path: string, options?: { max?: number }): Promise<Buffer> {
    return settle(() => this.sync.readFile(path, options))
  }

  rename(from: string, to: string): Promise<void> {
    return settle(() => {
      this.sync.rename(from, to)
    })
  }

  link(from: string, to: string): Promise<void> {
    return settle(() => {
      this.sync.link(from, to)
    })
  }

  unlink(path: string): Promise<void> {
    return settle(() => {
      this.sync.unlink(path)
    })
  }

  mkdir(path: string): Promise<void> {
    return settle(() => {
      this.sync.mkdir(path)
    })
  }

  ensureDir(path: string): Promise<void> {
    return settle(() => {
      this.sync.ensureDir(path)
    })
  }

  rmdir(path: string): Promise<void> {
    return settle(() => {
      this.sync.rmdir(path)
    })
  }

  removeTree(path: string): Promise<void> {
    return settle(() => {
      this.sync.removeTree(path)
    })
  }

  list(path: string): Promise<VfsEntry[]> {
    return settle(() => this.sync.list(path))
  }

  syncDir(path: string): Promise<void> {
    return settle(() => {
      this.sync.syncDir(path)
    })
  }

  stat(path: string): Promise<VfsStat | undefined> {
    return settle(() => this.sync.stat(path))
  }

  spaceLeft(path: string): Promise<number> {
    return settle(() => this.sync.spaceLeft(path))
  }

  realPath(path: string): Promise<string> {
    return settle(() => this.sync.realPath(path))
  }
}
