import { dirname } from 'node:path'
import { isVarveError, VarveError, type Vfs } from '@varve/platform'
import { logLimits } from '../limits.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'

/** What a file is called while it is written; left over by a crash, it means nothing. */
export const TEMPORARY_SUFFIX = '.tmp'

/**
 * Replaces a small file so that a power cut leaves the old or the new content: temporary file, sync, rename, sync of
 * the folder.
 */
export async function replaceFile(vfs: Vfs, path: string, content: string | Buffer): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX
  await writeWhole(vfs, temporary, content, { sync: true })
  await vfs.rename(temporary, path)
  if (plantedBugs.directorySyncLeftOut || plantedBugs.checkpointRenameUnsynced) return
  await vfs.syncDir(dirname(path))
}

/** Writes a file from its start and cuts what was behind. Not the way to replace what must not be lost. */
export async function writeWhole(
  vfs: Vfs,
  path: string,
  content: string | Buffer,
  options: { sync: boolean },
): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const file = await vfs.open(path, 'create')
  try {
    await file.truncate(0)
    await file.write([bytes], 0)
    if (options.sync) await file.datasync()
  } finally {
    await file.close()
  }
}

/** The text of a small file, `undefined` where there is none. */
export async function readText(vfs: Vfs, path: string): Promise<string | undefined> {
  try {
    return (await vfs.readFile(path, { max: logLimits.checkpointBytesMax })).toString('utf8')
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** Removes a file if it is there. */
export async function removeFile(vfs: Vfs, path: string): Promise<boolean> {
  try {
    await vfs.unlink(path)
    return true
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return false
    throw error
  }
}

/** The error for a small file whose content is not what its kind has. */
export function malformed(path: string, wanted: string, found: string): VarveError {
  return new VarveError(
    'KAFKA_STORAGE_ERROR',
    `The file ${path} should hold ${wanted}, but holds ${found}; restore it or remove it.`,
    {
      context: { path, wanted, found },
    },
  )
}

/**
 * The entries of a checkpoint: a line with version 0, a line with the number of entries, then a line for each entry.
 * Source: apache/kafka, org.apache.kafka.server.common.CheckpointFile.
 */
export function parseCheckpoint(text: string, fields: number): string[][] | undefined {
  const [version, count, ...lines] = text.trimEnd().split('\n')
  if (version !== '0' || count === undefined || !/^\d+$/.test(count) || Number(count) !== lines.length)
    return undefined
  const entries = lines.map(line => line.split(' '))
  return entries.every(entry => entry.length === fields) ? entries : undefined
}

export function formatCheckpoint(entries: readonly (readonly (string | number)[])[]): string {
  return `0\n${entries.length}\n${entries.map(entry => `${entry.join(' ')}\n`).join('')}`
}

/** A whole number of at least `min`, `undefined` for any other text. */
export function wholeNumber(text: string | undefined, min = 0): number | undefined {
  if (text === undefined || !/^-?\d+$/.test(text)) return undefined
  const number = Number(text)
  return Number.isSafeInteger(number) && number >= min ? number : undefined
}
