import fs from 'node:fs'
import { dirname, join, resolve as resolvePath } from 'node:path'
// Static: a lazy import of this package after a look at a socket went wrong on Node 20. Only its extras are used; its
// `open` and `readdir` (graceful-fs) queue for ever where the system says EMFILE.
import { remove } from 'fs-extra/esm'
import { ioError, tooLargeError } from '../io-error.ts'
import type { OpenMode, Vfs, VfsEntry, VfsFile, VfsStat, VfsSync } from '../vfs.ts'
import {
  byName,
  FILE_MODE,
  FOLDER_MODE,
  hasFolderSync,
  isExisting,
  isMissing,
  kindOf,
  leadsNowhere,
  openFlags,
  statOf,
  UNSIZED_BYTES_MAX,
  upwards,
} from './node-calls.ts'
import { NodeFile } from './node-file.ts'
import { NodeFsSync } from './node-fs-sync.ts'

const calls = fs.promises

/** The machine's file system. */
export class NodeFs implements Vfs {
  readonly answersInPlace = true
  readonly sync: VfsSync = new NodeFsSync()

  async open(path: string, mode: OpenMode): Promise<VfsFile> {
    return new NodeFile(path, await openNumber(path, openFlags[mode]))
  }

  async readFile(path: string, options: { max?: number } = {}): Promise<Buffer> {
    const file = new NodeFile(path, await openNumber(path, openFlags.read))
    try {
      const { size } = await file.stat()
      const max = options.max ?? Number.MAX_SAFE_INTEGER
      if (size > max) throw tooLargeError(path, { found: size, max })
      // What the kernel makes up (/proc) says that it has no size.
      const bytes = Buffer.allocUnsafeSlow(size > 0 ? size : Math.min(max, UNSIZED_BYTES_MAX))
      return bytes.subarray(0, await file.read(bytes, 0))
    } finally {
      await file.close()
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt(`rename to ${to} the file`, from, () => calls.rename(from, to))
  }

  async link(from: string, to: string): Promise<void> {
    await attempt('make the link', to, () => calls.link(from, to))
  }

  async unlink(path: string): Promise<void> {
    await attempt('remove', path, () => calls.unlink(path))
  }

  async mkdir(path: string): Promise<void> {
    await attempt('create the folder', path, () => calls.mkdir(path, { mode: FOLDER_MODE }))
  }

  async ensureDir(path: string): Promise<void> {
    const missing: string[] = []
    for (const at of upwards(resolvePath(path))) {
      const found = await this.stat(at)
      if (found?.kind === 'folder') break
      missing.unshift(at)
    }
    for (const at of missing) {
      await attempt('create the folder', at, async () => {
        try {
          await calls.mkdir(at, { mode: FOLDER_MODE })
        } catch (error) {
          // Another one made it meanwhile; its entry is synced here as well, since nobody knows whether they did.
          if (!isExisting(error) || !(await calls.stat(at)).isDirectory()) throw error
        }
      })
      await this.syncDir(dirname(at))
    }
  }

  async rmdir(path: string): Promise<void> {
    await attempt('remove the folder', path, () => calls.rmdir(path))
  }

  async removeTree(path: string): Promise<void> {
    await attempt('remove', path, () => remove(path))
  }

  async list(path: string): Promise<VfsEntry[]> {
    return attempt('list', path, async () => {
      const entries: VfsEntry[] = []
      for (const found of await calls.readdir(path, { withFileTypes: true })) {
        const kind = found.isSymbolicLink() ? await this.#behindLink(join(path, found.name)) : kindOf(found)
        entries.push({ name: found.name, kind: kind ?? 'other' })
      }
      return entries.sort(byName)
    })
  }

  async #behindLink(path: string): Promise<VfsEntry['kind'] | undefined> {
    try {
      return (await this.stat(path))?.kind
    } catch (error) {
      if (leadsNowhere(error)) return undefined
      throw error
    }
  }

  async syncDir(path: string): Promise<void> {
    if (!hasFolderSync) return
    await attempt('sync the folder', path, async () => {
      const folder = await calls.open(path, 'r')
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    })
  }

  async stat(path: string): Promise<VfsStat | undefined> {
    return attempt('look at', path, async () => {
      try {
        return statOf(await calls.stat(path, { bigint: true }))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    })
  }

  async spaceLeft(path: string): Promise<number> {
    return attempt('ask for the space left at', path, async () => {
      for (const at of upwards(resolvePath(path))) {
        try {
          const space = await calls.statfs(at)
          return space.bavail * space.bsize
        } catch (error) {
          if (!isMissing(error) || dirname(at) === at) throw error
        }
      }
      return 0
    })
  }

  async realPath(path: string): Promise<string> {
    return attempt('resolve', path, () => calls.realpath(path))
  }
}

async function attempt<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw ioError(error, operation, path)
  }
}

function openNumber(path: string, flags: number): Promise<number> {
  // The callback's form: a handle of the promise's form costs twice as much on each call.
  const open = (): Promise<number> =>
    new Promise((resolve, reject) => {
      fs.open(path, flags, FILE_MODE, (error, fd) => {
        if (error === null) resolve(fd)
        else reject(error)
      })
    })
  return attempt('open', path, open)
}
