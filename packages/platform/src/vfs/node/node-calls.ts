import fs from 'node:fs'
import { dirname } from 'node:path'
import { isVarveError } from '../../errors.ts'
import type { OpenMode, VfsEntry, VfsStat } from '../vfs.ts'

/** IOV_MAX on Linux and macOS: writev(2) refuses more. */
export const BUFFERS_PER_WRITE_MAX = 1024

/** How much is read of a file whose size the system gives as 0. */
export const UNSIZED_BYTES_MAX = 1024 * 1024

/** What is private to its owner: the log holds other people's data. */
export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants
// Windows has no such flag. Elsewhere it keeps a pipe of a file's name from holding a thread for ever.
const noWait = process.platform === 'win32' ? 0 : O_NONBLOCK

export const openFlags: Record<OpenMode, number> = {
  read: O_RDONLY | noWait,
  write: O_RDWR | noWait,
  create: O_RDWR | O_CREAT | noWait,
  'create-new': O_RDWR | O_CREAT | O_EXCL,
}

export const hasFolderSync = process.platform !== 'win32'

export function statOf(stat: fs.BigIntStats): VfsStat {
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    modifiedMs: Number(stat.mtimeMs),
    id: `${stat.dev}:${stat.ino}`,
  }
}

export function kindOf(found: { isFile(): boolean; isDirectory(): boolean }): VfsEntry['kind'] {
  if (found.isFile()) return 'file'
  return found.isDirectory() ? 'folder' : 'other'
}

/** Code units, so that every machine lists the same order. */
export function byName(a: VfsEntry, b: VfsEntry): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

export function lengthOf(buffers: readonly Uint8Array[]): number {
  let length = 0
  for (const buffer of buffers) length += buffer.length
  return length
}

/** What is left of `buffers` after a write that took `count` bytes. */
export function allAfter(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count
  let index = 0
  for (let one = buffers[index]; one !== undefined && one.length <= skip; one = buffers[index]) {
    skip -= one.length
    index++
  }
  const left = buffers.slice(index)
  if (skip > 0 && left[0] !== undefined) left[0] = left[0].subarray(skip)
  return left
}

/** `path` and the folders above it, from the bottom up, the root last. */
export function upwards(path: string): string[] {
  const paths = [path]
  for (let at = path; dirname(at) !== at; at = dirname(at)) paths.push(dirname(at))
  return paths
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** Whether a symbolic link leads in a circle or to where one may not look: no reason not to list what lies beside it. */
export function leadsNowhere(error: unknown): boolean {
  return isVarveError(error) && (error.context.errno === 'ELOOP' || error.context.errno === 'EACCES')
}

export function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
