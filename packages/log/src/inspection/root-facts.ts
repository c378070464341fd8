import { isVarveError, type Vfs, type VfsEntry } from '@varve/platform'
import { join } from 'node:path'
import { readText, TEMPORARY_SUFFIX, wholeNumber } from '../checkpoints/checkpoint-file.ts'
import { brokerEpochOf, CLEAN_SHUTDOWN_FILE, isVarveMarker } from '../checkpoints/clean-shutdown.ts'
import { parseDurableNotes, type DurableNote } from '../checkpoints/durable-note.ts'
import { DURABLE_OFFSETS_FILE } from '../checkpoints/durable-offsets.ts'
import {
  META_PROPERTIES_FILE,
  META_PROPERTIES_OWNED_FILE,
  parseMetaProperties,
  type MetaProperties,
} from '../checkpoints/meta-properties.ts'
import {
  CLEANER_OFFSET_FILE,
  LOG_START_OFFSET_FILE,
  RECOVERY_POINT_FILE,
  REPLICATION_OFFSET_FILE,
  type PartitionOffsets,
} from '../checkpoints/offset-checkpoint.ts'
import { parseVarveFormat, VARVE_FORMAT_FILE, type VarveFormat } from '../checkpoints/varve-format.ts'
import { isDeletedFolder } from '../directory/partition-folder.ts'
import { isLockName, listLocks, lockPath, readLock, type LockContent } from '../lock/lock-file.ts'
import { parsePartitionName, partitionName } from '../topic-partition.ts'
import { exactCheckpoint } from './exact-checkpoint.ts'
import type { Flaw, FlawKind } from './flaw.ts'

export const BOOTSTRAP_FILE = 'bootstrap.checkpoint'
export const CHECKPOINT_FILES = [
  RECOVERY_POINT_FILE,
  LOG_START_OFFSET_FILE,
  REPLICATION_OFFSET_FILE,
  CLEANER_OFFSET_FILE,
] as const
const KNOWN_NAMES = new Set<string>([
  ...CHECKPOINT_FILES,
  META_PROPERTIES_FILE,
  META_PROPERTIES_OWNED_FILE,
  VARVE_FORMAT_FILE,
  CLEAN_SHUTDOWN_FILE,
  DURABLE_OFFSETS_FILE,
  BOOTSTRAP_FILE,
  '.lock',
])

/** The files at a directory's root, read as far as they can be, with what is wrong with them. */
export interface RootFacts {
  readonly root: string
  readonly properties: MetaProperties | undefined
  /** Varve owns it, or did when it crashed. */
  readonly owned: boolean
  readonly format: VarveFormat | undefined
  /** The epoch that the clean marker holds; undefined without a marker. */
  readonly brokerEpoch: number | undefined
  /** Closed in good order. */
  readonly clean: boolean
  readonly locks: readonly { readonly number: number; readonly content: LockContent | 'unreadable' }[]
  readonly checkpoints: Readonly<Record<(typeof CHECKPOINT_FILES)[number], PartitionOffsets>>
  readonly notes: ReadonlyMap<string, DurableNote>
  /** Names of partitions' folders. */
  readonly partitions: readonly string[]
  readonly flaws: readonly Flaw[]
  /** Bytes of the files. */
  readonly bytes: number
}

export async function readRoot(vfs: Vfs, root: string): Promise<RootFacts> {
  return new RootReading(vfs, root, await vfs.list(root)).read()
}

class RootReading {
  readonly #vfs: Vfs
  readonly #root: string
  readonly #entries: readonly VfsEntry[]
  readonly #names: ReadonlySet<string>
  readonly #flaws: Flaw[] = []
  #bytes = 0

  constructor(vfs: Vfs, root: string, entries: readonly VfsEntry[]) {
    this.#vfs = vfs
    this.#root = root
    this.#entries = entries
    this.#names = new Set(entries.map(entry => entry.name))
  }

  async read(): Promise<RootFacts> {
    const owned = this.#names.has(META_PROPERTIES_OWNED_FILE)
    const properties = await this.#properties(owned)
    const format = await this.#parsed(VARVE_FORMAT_FILE, parseVarveFormat)
    const marker = await this.#text(CLEAN_SHUTDOWN_FILE)
    if (marker !== undefined && !isMarker(marker))
      this.#damage(
        CLEAN_SHUTDOWN_FILE,
        `should hold a version and a broker epoch, but holds '${marker.slice(0, 60)}'`,
      )
    const partitions = this.#folders()
    const clean = !owned && (marker !== undefined || partitions.length === 0)
    const checkpoints = {
      [RECOVERY_POINT_FILE]: await this.#checkpoint(RECOVERY_POINT_FILE, clean),
      [LOG_START_OFFSET_FILE]: await this.#checkpoint(LOG_START_OFFSET_FILE, clean),
      [REPLICATION_OFFSET_FILE]: await this.#checkpoint(REPLICATION_OFFSET_FILE, clean),
      [CLEANER_OFFSET_FILE]: await this.#checkpoint(CLEANER_OFFSET_FILE, clean),
    }
    // Kafka does not keep Varve's notes: where it was here since, they are about another time.
    const ours = owned || (marker !== undefined && isVarveMarker(marker))
    const notes = await this.#notes(clean && ours)
    const locks = await this.#locks()
    this.#unknown()
    return {
      root: this.#root,
      ...{ properties, owned, format, clean, locks, checkpoints, partitions },
      brokerEpoch: marker === undefined ? undefined : brokerEpochOf(marker),
      notes: ours ? notes : new Map(),
      flaws: this.#flaws,
      bytes: this.#bytes,
    }
  }

  async #properties(owned: boolean): Promise<MetaProperties | undefined> {
    const name = owned ? META_PROPERTIES_OWNED_FILE : META_PROPERTIES_FILE
    if (owned && this.#names.has(META_PROPERTIES_FILE))
      this.#damage(
        META_PROPERTIES_FILE,
        `lies beside ${META_PROPERTIES_OWNED_FILE}; one of them does not belong here`,
      )
    const properties = await this.#parsed(name, parseMetaProperties)
    // The owner may give it its other name just now.
    if (properties !== undefined || this.#names.has(name)) return properties
    const other = await this.#parsed(
      owned ? META_PROPERTIES_FILE : META_PROPERTIES_OWNED_FILE,
      parseMetaProperties,
    )
    if (other === undefined) this.#damage(META_PROPERTIES_FILE, 'is missing')
    return other
  }

  async #parsed<T>(name: string, parse: (text: string, path: string) => T): Promise<T | undefined> {
    const text = await this.#text(name)
    if (text === undefined) return undefined
    try {
      return parse(text, join(this.#root, name))
    } catch (error) {
      if (!isVarveError(error)) throw error
      this.#add('damage', 'properties', name, error.message)
      return undefined
    }
  }

  async #checkpoint(name: string, clean: boolean): Promise<PartitionOffsets> {
    const offsets: PartitionOffsets = new Map()
    const text = await this.#text(name)
    // Kafka makes some of these files empty when it starts and fills them when there is something to say.
    if (text === undefined || text === '') return offsets
    const lines = exactCheckpoint(text, 3)
    if (lines === undefined) this.#damage(name, 'is no checkpoint of offsets', 'checkpoint')
    for (const [topic = '', partition = '', digits] of lines ?? []) {
      const of = parsePartitionName(`${topic}-${partition}`)
      const offset = wholeNumber(digits)
      if (of === undefined || offset === undefined) {
        this.#damage(name, `has the line '${topic} ${partition} ${digits ?? ''}'`, 'checkpoint')
        continue
      }
      const key = partitionName(of)
      offsets.set(key, offset)
      if (this.#names.has(key)) continue
      const message = `The file ${join(this.#root, name)} names the partition ${key}, which has no folder.`
      // A clean close writes these two anew, of what there is.
      const strict = clean && (name === RECOVERY_POINT_FILE || name === REPLICATION_OFFSET_FILE)
      this.#add(strict ? 'damage' : 'note', 'missing-data', name, message)
    }
    return offsets
  }

  async #notes(strict: boolean): Promise<ReadonlyMap<string, DurableNote>> {
    const text = await this.#text(DURABLE_OFFSETS_FILE)
    if (text === undefined) return new Map<string, DurableNote>()
    const { notes, whole } = parseDurableNotes(Buffer.from(text, 'utf8'))
    if (!whole) {
      const message = `Lines of ${join(this.#root, DURABLE_OFFSETS_FILE)} have no sound checksum; they are not believed.`
      this.#add(strict ? 'damage' : 'note', 'checkpoint', DURABLE_OFFSETS_FILE, message)
    }
    return notes
  }

  async #locks(): Promise<RootFacts['locks']> {
    const locks: { number: number; content: LockContent | 'unreadable' }[] = []
    for (const number of await listLocks(this.#vfs, this.#root)) {
      const path = lockPath(this.#root, number)
      const content = await readLock(this.#vfs, path)
      if (content === 'gone') continue
      if (content === 'unreadable')
        this.#add(
          'note',
          'properties',
          `.lock-${number}`,
          `The lock ${path} says nothing that is understood.`,
        )
      locks.push({ number, content })
    }
    return locks
  }

  #folders(): string[] {
    const partitions: string[] = []
    for (const { name, kind } of this.#entries) {
      if (kind !== 'folder') continue
      const path = join(this.#root, name)
      if (parsePartitionName(name) !== undefined) partitions.push(name)
      else if (isDeletedFolder(name))
        this.#add(
          'note',
          'left-over',
          name,
          `The folder ${path} is of a deleted partition, and not looked at.`,
        )
      else
        this.#add(
          'note',
          'unknown-folder',
          name,
          `The folder ${path} is no partition; Kafka would not start here.`,
        )
    }
    return partitions
  }

  #unknown(): void {
    for (const { name, kind } of this.#entries) {
      if (kind === 'folder' || KNOWN_NAMES.has(name) || isLockName(name)) continue
      const path = join(this.#root, name)
      if (name.endsWith(TEMPORARY_SUFFIX))
        this.#add('note', 'left-over', name, `The file ${path} is what a crash left of a write.`)
      else this.#add('note', 'unknown-file', name, `The file ${path} is none of a data directory's.`)
    }
  }

  async #text(name: string): Promise<string | undefined> {
    if (!this.#names.has(name)) return undefined
    const text = await readText(this.#vfs, join(this.#root, name))
    this.#bytes += text?.length ?? 0
    return text
  }

  #damage(name: string, what: string, kind: FlawKind = 'properties'): void {
    this.#add('damage', kind, name, `The file ${join(this.#root, name)} ${what}.`)
  }

  #add(type: Flaw['type'], kind: FlawKind, name: string, message: string): void {
    this.#flaws.push({ type, kind, path: join(this.#root, name), message })
  }
}

function isMarker(text: string): boolean {
  try {
    const { version, brokerEpoch } = (JSON.parse(text) ?? {}) as Partial<Record<string, unknown>>
    return version === 0 && Number.isSafeInteger(brokerEpoch)
  } catch {
    return false
  }
}
