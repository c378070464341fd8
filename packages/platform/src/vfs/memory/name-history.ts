import type { Random } from '../../random.ts'
import { keptCount } from './kept-count.ts'
import type { MemEntry, MemFolderNode } from './mem-tree.ts'

/** A name that came, changed or went, and has not been synced. */
export interface NameChange {
  readonly folder: MemFolderNode
  readonly key: string
  readonly entry: MemEntry | undefined
  /** For the old name of a rename: the change that brought the new one. The old name never goes without it. */
  readonly other: NameChange | undefined
}

/** Which names of all folders are on the disk, and which changes of names are not. */
export class NameHistory {
  readonly #durable = new Map<MemFolderNode, Map<string, MemEntry>>()
  #pending: NameChange[] = []

  changed(change: NameChange): NameChange {
    this.#pending.push(change)
    return change
  }

  synced(folder: MemFolderNode): void {
    this.#pending = this.#pending.filter(change => {
      if (change.folder === folder) this.#make(change)
      return change.folder !== folder
    })
  }

  /** All folders at once, as a journal does that is flushed with any file. */
  allSynced(): void {
    for (const change of this.#pending) this.#make(change)
    this.#pending = []
  }

  /** The entries of each folder that a power cut now could leave. */
  crash(
    rng: Random,
    unsyncedPercent: number,
    inOrder: boolean,
  ): (folder: MemFolderNode) => Map<string, MemEntry> {
    const kept = this.#kept(rng, unsyncedPercent, inOrder)
    const left = new Map<MemFolderNode, Map<string, MemEntry>>()
    for (const [folder, entries] of this.#durable) left.set(folder, new Map(entries))
    for (const change of this.#pending) if (kept.has(change)) make(left, change)
    return folder => left.get(folder) ?? new Map<string, MemEntry>()
  }

  #make(change: NameChange): void {
    make(this.#durable, change)
  }

  /** Which pending changes a power cut left: the first ones, as a journal does, or any number of each name's own. */
  #kept(rng: Random, percent: number, inOrder: boolean): Set<NameChange> {
    const pending = this.#pending
    const histories = byName(pending)
    const kept = new Set<NameChange>()
    const keepUpTo = (change: NameChange): void => {
      for (const earlier of histories.get(change.folder)?.get(change.key) ?? []) {
        kept.add(earlier)
        if (earlier === change) return
      }
    }
    if (percent <= 0 || percent >= 100 || inOrder || rng.int(2) === 0) {
      for (const change of pending.slice(0, keptCount(pending.length, rng, percent))) kept.add(change)
    } else {
      for (const ofFolder of histories.values()) {
        for (const ofName of ofFolder.values()) {
          const last = ofName[keptCount(ofName.length, rng, percent) - 1]
          if (last !== undefined) keepUpTo(last)
        }
      }
    }
    keepRenamesWhole(pending, kept, keepUpTo)
    return kept
  }
}

function byName(changes: NameChange[]): Map<MemFolderNode, Map<string, NameChange[]>> {
  const histories = new Map<MemFolderNode, Map<string, NameChange[]>>()
  for (const change of changes) {
    const ofFolder = histories.get(change.folder) ?? new Map<string, NameChange[]>()
    histories.set(change.folder, ofFolder)
    const ofName = ofFolder.get(change.key) ?? []
    ofFolder.set(change.key, ofName)
    ofName.push(change)
  }
  return histories
}

/**
 * A torn rename leaves a file with both names, never with none; a folder never has two. Keeping one change may call for
 * another, so this goes on until nothing is missing.
 */
function keepRenamesWhole(
  pending: NameChange[],
  kept: Set<NameChange>,
  keep: (change: NameChange) => void,
): void {
  const unsynced = new Set(pending)
  for (let before = -1; before !== kept.size;) {
    before = kept.size
    for (const change of pending) {
      const { other } = change
      if (other === undefined) continue
      const hasNewName = kept.has(other) || !unsynced.has(other)
      if (kept.has(change) && !hasNewName) keep(other)
      else if (hasNewName && !kept.has(change) && other.entry?.node.kind === 'folder') keep(change)
    }
  }
}

function make(durable: Map<MemFolderNode, Map<string, MemEntry>>, change: NameChange): void {
  const entries = durable.get(change.folder) ?? new Map<string, MemEntry>()
  durable.set(change.folder, entries)
  if (change.entry === undefined) entries.delete(change.key)
  else entries.set(change.key, change.entry)
}
