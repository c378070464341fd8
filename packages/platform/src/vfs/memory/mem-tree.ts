import type { FileHistory } from './file-history.ts'
import type { NameChange, NameHistory } from './name-history.ts'
import type { MemContent } from './mem-content.ts'
import type { MemNames } from './mem-names.ts'
import { errnoError } from '../io-error.ts'

export interface MemFileNode {
  readonly kind: 'file'
  readonly id: string
  content: MemContent
  modifiedMs: number
  /** How many folders' entries lead here; at 0 without handles the memory is given back. */
  names: number
  handles: number
  /** How many of the next syncs are to fail. */
  syncsToFail: number
  /** Only where crashes are modelled. */
  readonly history: FileHistory | undefined
}

export interface MemFolderNode {
  readonly kind: 'folder'
  readonly id: string
  readonly entries: Map<string, MemEntry>
  modifiedMs: number
}

export type MemNode = MemFileNode | MemFolderNode

export interface MemEntry {
  readonly name: string
  readonly node: MemNode
}

/** One name in one folder, there or not. */
export interface MemPlace {
  readonly folder: MemFolderNode
  readonly key: string
  readonly name: string
  readonly node: MemNode | undefined
  /** The folders from the root down to `folder`. */
  readonly above: readonly MemFolderNode[]
}

/** Folders, names and what they lead to. Every change of a name goes through `set`, where the history sees it. */
export class MemTree {
  readonly root: MemFolderNode
  readonly #names: MemNames
  readonly #history: NameHistory | undefined

  constructor(root: MemFolderNode, names: MemNames, history: NameHistory | undefined) {
    this.root = root
    this.#names = names
    this.#history = history
  }

  /** What is at `path`; undefined when a part of it is missing or a file. */
  find(path: string): MemNode | undefined {
    let at: MemNode | undefined = this.root
    for (const part of this.#names.split(path)) {
      at = at?.kind === 'folder' ? at.entries.get(this.#names.key(part))?.node : undefined
    }
    return at
  }

  /** The place that `path` names; its folder must exist. */
  place(path: string, operation: string): MemPlace {
    const parts = this.#names.split(path)
    const name = parts.pop()
    if (name === undefined) throw errnoError('EBUSY', operation, path)
    const above = [this.root]
    let folder = this.root
    for (const part of parts) {
      const next = folder.entries.get(this.#names.key(part))?.node
      if (next === undefined) throw errnoError('ENOENT', operation, path)
      if (next.kind === 'file') throw errnoError('ENOTDIR', operation, path)
      above.push(next)
      folder = next
    }
    const key = this.#names.key(name)
    return { folder, key, name, node: folder.entries.get(key)?.node, above }
  }

  /** The path with the names as they are stored. */
  storedPath(path: string): string {
    let at: MemFolderNode = this.root
    let stored = ''
    for (const part of this.#names.split(path)) {
      const entry = at.entries.get(this.#names.key(part))
      stored += `/${entry?.name ?? part}`
      if (entry?.node.kind === 'folder') at = entry.node
    }
    return stored === '' ? '/' : stored
  }

  /** A new name must be one that the file system takes. */
  checkNewName(place: MemPlace, operation: string, path: string): void {
    const fault = this.#names.fault(place.name)
    if (fault !== undefined) throw errnoError(fault, operation, path)
  }

  /**
   * Makes `place` lead to `node`, or to nothing.
   * @param with the other half of a rename: this half survives a power cut only together with that one
   */
  set(place: MemPlace, node: MemNode | undefined, nowMs: number, other?: NameChange): NameChange | undefined {
    const { folder, key, name } = place
    const replaced = folder.entries.get(key)?.node
    const entry = node && { name, node }
    if (entry === undefined) folder.entries.delete(key)
    else folder.entries.set(key, entry)
    if (node?.kind === 'file') node.names++
    if (replaced?.kind === 'file') {
      replaced.names--
      freeIfUnused(replaced)
    }
    folder.modifiedMs = nowMs
    return this.#history?.changed({ folder, key, entry, other })
  }
}

export function freeIfUnused(file: MemFileNode): void {
  if (file.names === 0 && file.handles === 0) file.content.free()
}

/** Whether a file below `node` is open. */
export function isInUse(node: MemNode): boolean {
  if (node.kind === 'file') return node.handles > 0
  for (const entry of node.entries.values()) if (isInUse(entry.node)) return true
  return false
}
