import type { VfsFile, VfsFileSync } from '@varve/platform'

/** What may be asked of a file system or of a file in it. `file-stat` is the stat of an open file. */
export type Operation =
  | 'open'
  | 'readFile'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'mkdir'
  | 'ensureDir'
  | 'rmdir'
  | 'removeTree'
  | 'list'
  | 'syncDir'
  | 'stat'
  | 'spaceLeft'
  | 'realPath'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'file-stat'
  | 'close'

/** Which calls are meant: all that fit each of what is given. */
export interface Target {
  operation?: Operation | readonly Operation[]
  /** A part of the path or a pattern; of a rename or link both paths are looked at. */
  path?: string | RegExp
}

export interface FaultOptions extends Target {
  /** The first of the fitting calls that fails, counted from 1. Default 1. */
  nth?: number
  /** How many calls fail from there on. Default 1; `Infinity` for a disk that stays broken. */
  times?: number
  /** The system's name of the error. Default `EIO`, with `shortBytes` `ENOSPC`. */
  errno?: string
  /** Of a write: how many bytes go in before it fails. Default 0. */
  shortBytes?: number
  /** Whether the call is done all the same before it fails. Default false. */
  done?: boolean
}

/** One planned failure, and whether it came. */
export class Fault {
  readonly options: FaultOptions
  readonly errno: string
  #seen = 0
  #fired = 0

  constructor(options: FaultOptions) {
    this.options = options
    this.errno = options.errno ?? (options.shortBytes === undefined ? 'EIO' : 'ENOSPC')
  }

  /** How many calls it has failed. */
  get fired(): number {
    return this.#fired
  }

  /** Counts a call that fits and answers whether it fails. */
  strikes(): boolean {
    this.#seen++
    const { nth = 1, times = 1 } = this.options
    if (this.#seen < nth || this.#seen >= nth + times) return false
    this.#fired++
    return true
  }
}

export function fits(target: Target, operation: Operation, path: string): boolean {
  const { operation: wanted, path: place } = target
  if (
    wanted !== undefined &&
    !(typeof wanted === 'string' ? wanted === operation : wanted.includes(operation))
  )
    return false
  if (place === undefined) return true
  return typeof place === 'string' ? path.includes(place) : place.test(path)
}

/** The first `count` bytes of `buffers`. */
export function firstBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  const first: Uint8Array[] = []
  let left = count
  for (const buffer of buffers) {
    if (left <= 0) break
    first.push(buffer.subarray(0, left))
    left -= buffer.length
  }
  return first
}

/** A sync that fails must also cost the pages, where the file system below can model that. */
export function doomNextSync(file: VfsFile | VfsFileSync): boolean {
  const { failNextDatasync } = file as { failNextDatasync?: () => void }
  failNextDatasync?.call(file)
  return failNextDatasync !== undefined
}
