import { join } from 'node:path'
import { isVarveError, VarveError, type Vfs } from '@varve/platform'
import { readText, TEMPORARY_SUFFIX } from '../checkpoints/checkpoint-file.ts'
import { CLEAN_SHUTDOWN_FILE } from '../checkpoints/clean-shutdown.ts'
import { DURABLE_OFFSETS_FILE } from '../checkpoints/durable-offsets.ts'
import {
  META_PROPERTIES_FILE,
  META_PROPERTIES_OWNED_FILE,
  parseMetaProperties,
  type MetaProperties,
} from '../checkpoints/meta-properties.ts'
import { checkVarveFormat, parseVarveFormat, VARVE_FORMAT_FILE } from '../checkpoints/varve-format.ts'
import { isLockName } from '../lock/lock-file.ts'
import { parsePartitionName } from '../topic-partition.ts'

/** What the root of a data directory says before anything is opened. */
export interface DirectoryRoot {
  /** Without symbolic links. */
  readonly path: string
  /** Nothing that anybody would miss: a directory may be made here. */
  readonly empty: boolean
  readonly properties: MetaProperties | undefined
  /** Whether Varve owned it last and did not close it. */
  readonly owned: boolean
  readonly hasFormat: boolean
  /** The content of the clean-shutdown marker, if there is one. */
  readonly marker: string | undefined
  /** Names of folders, partitions and others. */
  readonly folders: readonly string[]
  /** Names of what is no folder and yet has the name of a partition's. */
  readonly misplaced: readonly string[]
}

/** Names that an interrupted creation leaves before the directory is one. */
const CREATED_FIRST = new Set(
  [VARVE_FORMAT_FILE, DURABLE_OFFSETS_FILE, META_PROPERTIES_OWNED_FILE].flatMap(name => [
    name,
    name + TEMPORARY_SUFFIX,
  ]),
)

/**
 * Looks at a directory and changes nothing.
 *
 * @throws `NOT_FOUND`, `DIRECTORY_NOT_VARVE`, `DIRECTORY_TOO_NEW`, `KAFKA_STORAGE_ERROR` for a root file that is damaged
 */
export async function inspectRoot(
  vfs: Vfs,
  path: string,
  { readOnly }: { readOnly: boolean },
): Promise<DirectoryRoot> {
  const entries = await listRoot(vfs, path)
  const names = new Set(entries.map(entry => entry.name))
  const formatPath = join(path, VARVE_FORMAT_FILE)
  const formatText = names.has(VARVE_FORMAT_FILE) ? await readText(vfs, formatPath) : undefined
  const owned = names.has(META_PROPERTIES_OWNED_FILE)
  if (owned && names.has(META_PROPERTIES_FILE)) {
    throw notVarve(
      path,
      `holds both ${META_PROPERTIES_FILE} and ${META_PROPERTIES_OWNED_FILE}; remove the one that does not belong to it`,
    )
  }
  if (formatText !== undefined && formatText !== '') {
    checkVarveFormat(parseVarveFormat(formatText, formatPath), { path, readOnly })
  }
  const metaPath = join(path, owned ? META_PROPERTIES_OWNED_FILE : META_PROPERTIES_FILE)
  const metaText = await readMeta(vfs, path, metaPath)
  const foreign = entries.find(({ name }) => !isLockName(name) && !CREATED_FIRST.has(name))
  if (metaText === undefined && foreign !== undefined) {
    throw notVarve(
      path,
      `holds '${foreign.name}' but no ${META_PROPERTIES_FILE}; name an empty folder, or one that Varve or Kafka made`,
    )
  }
  return {
    path,
    empty: metaText === undefined,
    properties: metaText === undefined ? undefined : parseMetaProperties(metaText, metaPath),
    owned,
    hasFormat: formatText !== undefined && formatText !== '',
    marker: names.has(CLEAN_SHUTDOWN_FILE) ? await readText(vfs, join(path, CLEAN_SHUTDOWN_FILE)) : undefined,
    folders: entries.filter(entry => entry.kind === 'folder').map(entry => entry.name),
    misplaced: entries
      .filter(
        ({ name, kind }) => kind !== 'folder' && !isLockName(name) && parsePartitionName(name) !== undefined,
      )
      .map(entry => entry.name),
  }
}

/** A reader beside an owner may look just when the file gets its other name. */
async function readMeta(vfs: Vfs, root: string, path: string): Promise<string | undefined> {
  const text = await readText(vfs, path)
  if (text !== undefined) return text
  return (
    (await readText(vfs, join(root, META_PROPERTIES_OWNED_FILE))) ??
    (await readText(vfs, join(root, META_PROPERTIES_FILE)))
  )
}

async function listRoot(vfs: Vfs, path: string): ReturnType<Vfs['list']> {
  const stat = await vfs.stat(path)
  if (stat === undefined)
    throw new VarveError('NOT_FOUND', `There is no directory at ${path}; check the path.`, {
      context: { path },
    })
  if (stat.kind !== 'folder') throw notVarve(path, 'is no folder; name a folder')
  return vfs.list(path)
}

/**
 * Whether the directory was closed in order. One that Kafka formatted and never started on has no marker, and nothing
 * that could be torn.
 */
export function isClean(root: DirectoryRoot): boolean {
  if (root.marker !== undefined || root.empty) return true
  return !root.owned && !root.folders.some(name => parsePartitionName(name) !== undefined)
}

/** @throws `DIRECTORY_NOT_CLEAN` for a directory that Kafka did not close, unless the caller wants it recovered */
export function checkOwnable(root: DirectoryRoot, { recover }: { recover: boolean }): void {
  if (isClean(root) || root.owned || recover) return
  throw new VarveError(
    'DIRECTORY_NOT_CLEAN',
    `The directory ${root.path} was not closed by the Kafka that used it; start and stop that Kafka, read it without owning it, or open it with --recover.`,
    { context: { path: root.path } },
  )
}

/** Makes the folder if it is missing, and answers its path without symbolic links. */
export async function ensureRoot(vfs: Vfs, path: string): Promise<string> {
  const stat = await vfs.stat(path)
  if (stat === undefined) {
    try {
      await vfs.ensureDir(path)
    } catch (error) {
      if (isVarveError(error, 'ALREADY_EXISTS')) throw notVarve(path, 'is no folder; name a folder')
      throw error
    }
  } else if (stat.kind !== 'folder') throw notVarve(path, 'is no folder; name a folder')
  return vfs.realPath(path)
}

function notVarve(path: string, why: string): VarveError {
  return new VarveError('DIRECTORY_NOT_VARVE', `${path} is no data directory of Varve or Kafka: it ${why}.`, {
    context: { path },
  })
}
