import type { Clock } from '../../clock.ts'
import { errnoError, tooLargeError } from '../io-error.ts'
import type { OpenMode, VfsEntry, VfsFileSync, VfsStat, VfsSync } from '../vfs.ts'
import { FileHistory } from './file-history.ts'
import { MemContent, type MemBudget } from './mem-content.ts'
import { MemFileSync } from './mem-file.ts'
import type { NameHistory } from './name-history.ts'
import { isInUse, type MemFileNode, type MemFolderNode, type MemPlace, type MemTree } from './mem-tree.ts'

/** What the parts of one file system in memory share. */
export interface MemState {
  readonly tree: MemTree
  readonly budget: MemBudget
  readonly clock: Clock
  readonly windows: boolean
  /** Only where crashes are modelled. */
  readonly history: NameHistory | undefined
  nextId(): string
}

/** The operations on the tree; the asynchronous face runs the same ones. */
export class MemFsSync implements VfsSync {
  readonly #state: MemState

  constructor(state: MemState) {
    this.#state = state
  }

  open(path: string, mode: OpenMode): VfsFileSync {
    return this.openFile(path, mode)
  }

  openFile(path: string, mode: OpenMode): MemFileSync {
    const place = this.#state.tree.place(path, 'open')
    const { node } = place
    if (node?.kind === 'folder') throw errnoError(mode === 'create-new' ? 'EEXIST' : 'EISDIR', 'open', path)
    if (node !== undefined && mode === 'create-new') throw errnoError('EEXIST', 'open', path)
    if (node === undefined && (mode === 'read' || mode === 'write')) throw errnoError('ENOENT', 'open', path)
    return new MemFileSync(path, {
      file: node ?? this.#newFile(place, path),
      state: this.#state,
      writable: mode !== 'read',
    })
  }

  readFile(path: string, options: { max?: number } = {}): Buffer {
    const file = this.openFile(path, 'read')
    try {
      const { size } = file.stat()
      const max = options.max ?? Number.MAX_SAFE_INTEGER
      if (size > max) throw tooLargeError(path, { found: size, max })
      const bytes = Buffer.allocUnsafeSlow(size)
      file.read(bytes, 0)
      return bytes
    } finally {
      file.close()
    }
  }

  rename(from: string, to: string): void {
    const { tree, windows, clock } = this.#state
    const operation = `rename to ${to} the file`
    const old = tree.place(from, operation)
    const place = tree.place(to, operation)
    const { node } = old
    if (node === undefined) throw errnoError('ENOENT', operation, from)
    if (node.kind === 'folder' && place.above.includes(node)) throw errnoError('EINVAL', operation, from)
    const sameName = old.folder === place.folder && old.key === place.key
    if (place.node === node && !(sameName && old.name !== place.name)) return
    if (!sameName) this.#checkReplace(node, place, operation, from)
    if (windows && node.kind === 'folder' && isInUse(node)) throw errnoError('EPERM', operation, from)
    tree.checkNewName(place, operation, to)
    const change = tree.set(place, node, clock.now())
    if (!sameName) tree.set(old, undefined, clock.now(), change)
  }

  link(from: string, to: string): void {
    const { tree, clock } = this.#state
    const { node } = tree.place(from, 'link')
    const place = tree.place(to, 'make the link')
    if (node === undefined) throw errnoError('ENOENT', 'link', from)
    if (place.node !== undefined) throw errnoError('EEXIST', 'make the link', to)
    if (node.kind === 'folder') throw errnoError('EPERM', 'link', from)
    tree.checkNewName(place, 'make the link', to)
    tree.set(place, node, clock.now())
  }

  unlink(path: string): void {
    const place = this.#state.tree.place(path, 'remove')
    if (place.node === undefined) throw errnoError('ENOENT', 'remove', path)
    if (place.node.kind === 'folder') throw errnoError('EISDIR', 'remove', path)
    this.#state.tree.set(place, undefined, this.#state.clock.now())
  }

  mkdir(path: string): void {
    const { tree, clock } = this.#state
    if (tree.find(path) !== undefined) throw errnoError('EEXIST', 'create the folder', path)
    const place = tree.place(path, 'create the folder')
    tree.checkNewName(place, 'create the folder', path)
    const folder = {
      kind: 'folder' as const,
      id: this.#state.nextId(),
      entries: new Map(),
      modifiedMs: clock.now(),
    }
    tree.set(place, folder, clock.now())
  }

  ensureDir(path: string): void {
    const { tree } = this.#state
    if (tree.find(path)?.kind === 'folder') return
    if (tree.find(path) !== undefined) throw errnoError('EEXIST', 'create the folder', path)
    this.ensureDir(`${path}/..`)
    this.mkdir(path)
    this.syncDir(`${path}/..`)
  }

  rmdir(path: string): void {
    const place = this.#state.tree.place(path, 'remove the folder')
    if (place.node === undefined) throw errnoError('ENOENT', 'remove the folder', path)
    if (place.node.kind === 'file') throw errnoError('ENOTDIR', 'remove the folder', path)
    if (place.node.entries.size > 0) throw errnoError('ENOTEMPTY', 'remove the folder', path)
    this.#state.tree.set(place, undefined, this.#state.clock.now())
  }

  removeTree(path: string): void {
    const found = this.#state.tree.find(path)
    if (found === undefined) return
    if (found.kind === 'file') {
      this.unlink(path)
      return
    }
    for (const { name } of this.list(path)) this.removeTree(`${path}/${name}`)
    if (found !== this.#state.tree.root) this.rmdir(path)
  }

  list(path: string): VfsEntry[] {
    const entries = [...this.#folder(path, 'list').entries.values()]
    return entries
      .map(({ name, node }) => ({ name, kind: node.kind }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  }

  syncDir(path: string): void {
    if (this.#state.windows) return
    const folder = this.#folder(path, 'sync the folder')
    this.#state.history?.synced(folder)
  }

  stat(path: string): VfsStat | undefined {
    const node = this.#state.tree.find(path)
    if (node === undefined) return undefined
    const size = node.kind === 'file' ? node.content.size : 0
    return { kind: node.kind, size, modifiedMs: node.modifiedMs, id: node.id }
  }

  spaceLeft(_path: string): number {
    return Math.min(Number.MAX_SAFE_INTEGER, this.#state.budget.left)
  }

  realPath(path: string): string {
    if (this.#state.tree.find(path) === undefined) throw errnoError('ENOENT', 'resolve', path)
    return this.#state.tree.storedPath(path)
  }

  #folder(path: string, operation: string): MemFolderNode {
    const node = this.#state.tree.find(path)
    if (node === undefined) throw errnoError('ENOENT', operation, path)
    if (node.kind === 'file') throw errnoError('ENOTDIR', operation, path)
    return node
  }

  #newFile(place: MemPlace, path: string): MemFileNode {
    const { tree, budget, clock, history } = this.#state
    tree.checkNewName(place, 'create', path)
    const file: MemFileNode = {
      kind: 'file',
      id: this.#state.nextId(),
      content: new MemContent(budget),
      modifiedMs: clock.now(),
      names: 0,
      handles: 0,
      syncsToFail: 0,
      history: history && new FileHistory(),
    }
    tree.set(place, file, clock.now())
    return file
  }

  /** Whether what stands at `place` may give way to `node`. */
  #checkReplace(node: { kind: 'file' | 'folder' }, place: MemPlace, operation: string, from: string): void {
    const target = place.node
    if (target === undefined) return
    if (target.kind === 'folder') {
      if (node.kind === 'file') throw errnoError('EISDIR', operation, from)
      if (target.entries.size > 0) throw errnoError('ENOTEMPTY', operation, from)
      if (this.#state.windows) throw errnoError('EPERM', operation, from)
    } else {
      if (node.kind === 'folder') throw errnoError('ENOTDIR', operation, from)
      if (this.#state.windows && target.handles > 0) throw errnoError('EPERM', operation, from)
    }
  }
}
