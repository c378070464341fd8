import fs from 'node:fs'
import { dirname, join, resolve as resolvePath } from 'node:path'
import { removeSync } from 'fs-extra/esm'
import { closedError, ioError, tooLargeError } from '../io-error.ts'
import type { OpenMode, VfsEntry, VfsFileSync, VfsStat, VfsSync } from '../vfs.ts'
import {
  allAfter,
  BUFFERS_PER_WRITE_MAX,
  byName,
  FILE_MODE,
  FOLDER_MODE,
  hasFolderSync,
  isExisting,
  isMissing,
  kindOf,
  leadsNowhere,
  lengthOf,
  openFlags,
  statOf,
  UNSIZED_BYTES_MAX,
  upwards,
} from './node-calls.ts'

/** Where small files are read into. Nobody else runs in between. */
const scratch = Buffer.allocUnsafeSlow(4096)

/** The machine's file system for threads that may block. */
export class NodeFsSync implements VfsSync {
  open(path: string, mode: OpenMode): VfsFileSync {
    return new NodeFileSync(
      path,
      attempt('open', path, () => fs.openSync(path, openFlags[mode], FILE_MODE)),
    )
  }

  readFile(path: string, options: { max?: number } = {}): Buffer {
    const file = this.open(path, 'read')
    try {
      const max = options.max ?? Number.MAX_SAFE_INTEGER
      // Most files are small: read so, they need neither a look at their size nor memory of the system's.
      const found = file.read(scratch, 0)
      if (found < scratch.length && found <= max) return Buffer.from(scratch.subarray(0, found))
      const { size } = file.stat()
      if (size > max) throw tooLargeError(path, { found: size, max })
      // What the kernel makes up (/proc) says that it has no size.
      const bytes = Buffer.allocUnsafeSlow(size > 0 ? size : Math.min(max, UNSIZED_BYTES_MAX))
      return bytes.subarray(0, file.read(bytes, 0))
    } finally {
      file.close()
    }
  }

  rename(from: string, to: string): void {
    attempt(`rename to ${to} the file`, from, () => {
      fs.renameSync(from, to)
    })
  }

  link(from: string, to: string): void {
    attempt('make the link', to, () => {
      fs.linkSync(from, to)
    })
  }

  unlink(path: string): void {
    attempt('remove', path, () => {
      fs.unlinkSync(path)
    })
  }

  mkdir(path: string): void {
    attempt('create the folder', path, () => fs.mkdirSync(path, { mode: FOLDER_MODE }))
  }

  ensureDir(path: string): void {
    const missing: string[] = []
    for (const at of upwards(resolvePath(path))) {
      if (this.stat(at)?.kind === 'folder') break
      missing.unshift(at)
    }
    for (const at of missing) {
      attempt('create the folder', at, () => {
        try {
          fs.mkdirSync(at, { mode: FOLDER_MODE })
        } catch (error) {
          if (!isExisting(error) || !fs.statSync(at).isDirectory()) throw error
        }
      })
      this.syncDir(dirname(at))
    }
  }

  rmdir(path: string): void {
    attempt('remove the folder', path, () => {
      fs.rmdirSync(path)
    })
  }

  removeTree(path: string): void {
    attempt('remove', path, () => {
      removeSync(path)
    })
  }

  list(path: string): VfsEntry[] {
    return attempt('list', path, () =>
      fs
        .readdirSync(path, { withFileTypes: true })
        .map(found => {
          const kind = found.isSymbolicLink() ? this.#behindLink(join(path, found.name)) : kindOf(found)
          return { name: found.name, kind: kind ?? ('other' as const) }
        })
        .sort(byName),
    )
  }

  #behindLink(path: string): VfsEntry['kind'] | undefined {
    try {
      return this.stat(path)?.kind
    } catch (error) {
      if (leadsNowhere(error)) return undefined
      throw error
    }
  }

  syncDir(path: string): void {
    if (!hasFolderSync) return
    attempt('sync the folder', path, () => {
      const fd = fs.openSync(path, 'r')
      try {
        fs.fsyncSync(fd)
      } finally {
        fs.closeSync(fd)
      }
    })
  }

  stat(path: string): VfsStat | undefined {
    return attempt('look at', path, () => {
      try {
        return statOf(fs.statSync(path, { bigint: true }))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    })
  }

  spaceLeft(path: string): number {
    return attempt('ask for the space left at', path, () => {
      for (const at of upwards(resolvePath(path))) {
        try {
          const space = fs.statfsSync(at)
          return space.bavail * space.bsize
        } catch (error) {
          if (!isMissing(error) || dirname(at) === at) throw error
        }
      }
      return 0
    })
  }

  realPath(path: string): string {
    return attempt('resolve', path, () => fs.realpathSync.native(path))
  }
}

class NodeFileSync implements VfsFileSync {
  readonly path: string
  #fd: number | undefined

  constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }

  read(target: Uint8Array, position: number): number {
    const fd = this.#open('read')
    return attempt('read', this.path, () => {
      let done = 0
      while (done < target.length) {
        const count = fs.readSync(fd, target, done, target.length - done, position + done)
        if (count === 0) break
        done += count
      }
      return done
    })
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const fd = this.#open('write')
    attempt('write', this.path, () => {
      let left = buffers
      let length = lengthOf(left)
      let at = position
      while (length > 0) {
        const few = left.length > BUFFERS_PER_WRITE_MAX ? left.slice(0, BUFFERS_PER_WRITE_MAX) : left
        const count = fs.writevSync(fd, few, at)
        if (count === 0) throw new Error('the system took no byte')
        at += count
        length -= count
        if (length > 0) left = allAfter(left, count)
      }
    })
  }

  datasync(): void {
    const fd = this.#open('sync')
    attempt('sync', this.path, () => {
      // See node-file.ts for macOS.
      if (process.platform === 'darwin') fs.fsyncSync(fd)
      else fs.fdatasyncSync(fd)
    })
  }

  truncate(size: number): void {
    const fd = this.#open('truncate')
    attempt('truncate', this.path, () => {
      fs.ftruncateSync(fd, size)
    })
  }

  stat(): VfsStat {
    const fd = this.#open('look at')
    return attempt('look at', this.path, () => statOf(fs.fstatSync(fd, { bigint: true })))
  }

  close(): void {
    const fd = this.#fd
    if (fd === undefined) return
    this.#fd = undefined
    attempt('close', this.path, () => {
      fs.closeSync(fd)
    })
  }

  #open(operation: string): number {
    if (this.#fd === undefined) throw closedError(operation, this.path)
    return this.#fd
  }
}

function attempt<T>(operation: string, path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw ioError(error, operation, path)
  }
}
