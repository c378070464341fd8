import { isVarveError, VarveError, type Vfs } from '@varve/platform'
import { basename, dirname, join } from 'node:path'
import { META_PROPERTIES_FILE, META_PROPERTIES_OWNED_FILE } from '../checkpoints/meta-properties.ts'
import { PARTITION_METADATA_FILE } from '../checkpoints/partition-metadata.ts'
import { VARVE_FORMAT_FILE } from '../checkpoints/varve-format.ts'
import { parseSegmentFileName } from '../segment/segment-files.ts'
import { parsePartitionName } from '../topic-partition.ts'

/** What a path names: a data directory, a partition's folder, or one file in either. */
export type Location =
  | { readonly kind: 'directory'; readonly root: string }
  | { readonly kind: 'partition'; readonly root: string | undefined; readonly folder: string }
  | {
      readonly kind: 'file'
      readonly root: string | undefined
      /** The partition's folder; undefined for a file at the root. */
      readonly folder: string | undefined
      readonly path: string
      readonly name: string
    }

const ROOT_MARKS = [META_PROPERTIES_FILE, META_PROPERTIES_OWNED_FILE, VARVE_FORMAT_FILE]

/** @throws `NOT_FOUND`, `DIRECTORY_NOT_VARVE`, `NOT_PERMITTED` */
export async function locate(vfs: Vfs, given: string): Promise<Location> {
  if ((await vfs.stat(given)) === undefined)
    throw new VarveError('NOT_FOUND', `There is nothing at ${given}; check the path.`, {
      context: { path: given },
    })
  const path = await vfs.realPath(given)
  const kind = (await vfs.stat(path))?.kind
  if (kind === 'file') {
    const folder = dirname(path)
    if (await isRoot(vfs, folder))
      return { kind: 'file', root: folder, folder: undefined, path, name: basename(path) }
    return { kind: 'file', root: await rootAbove(vfs, folder), folder, path, name: basename(path) }
  }
  if (kind !== 'folder') throw notVarve(given, 'is neither a folder nor a file')
  const entries = await vfs.list(path)
  const names = entries.map(entry => entry.name)
  if (ROOT_MARKS.some(mark => names.includes(mark))) return { kind: 'directory', root: path }
  if (names.some(name => name === PARTITION_METADATA_FILE || parseSegmentFileName(name)?.suffix === '.log'))
    return { kind: 'partition', root: await rootAbove(vfs, path), folder: path }
  // A directory that has lost its marks is one still, and says so.
  if (entries.some(({ name, kind }) => kind === 'folder' && parsePartitionName(name) !== undefined)) {
    if (await holdsLog(vfs, path, names)) return { kind: 'directory', root: path }
  }
  if (names.length === 0) {
    const message = `The folder ${given} is empty; name a data directory.`
    throw new VarveError('NOT_FOUND', message, { context: { path: given } })
  }
  throw notVarve(given, `holds '${names[0] ?? ''}' but no ${META_PROPERTIES_FILE}`)
}

async function holdsLog(vfs: Vfs, root: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (parsePartitionName(name) === undefined) continue
    const inside = await vfs.list(join(root, name)).catch(() => [])
    if (inside.some(one => parseSegmentFileName(one.name)?.suffix === '.log')) return true
  }
  return false
}

async function rootAbove(vfs: Vfs, folder: string): Promise<string | undefined> {
  const above = dirname(folder)
  return (await isRoot(vfs, above)) ? above : undefined
}

async function isRoot(vfs: Vfs, folder: string): Promise<boolean> {
  try {
    const names = (await vfs.list(folder)).map(entry => entry.name)
    return ROOT_MARKS.some(mark => names.includes(mark))
  } catch (error) {
    // What lies around a file that may be read need not be readable.
    if (isVarveError(error)) return false
    throw error
  }
}

function notVarve(path: string, why: string): VarveError {
  return new VarveError(
    'DIRECTORY_NOT_VARVE',
    `${path} is no data directory of Varve or Kafka, no partition of one and no file of theirs: it ${why}.`,
    { context: { path } },
  )
}
