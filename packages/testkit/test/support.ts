import type { Test } from 'tap'
import type { OpenMode, Vfs, VfsFile, VfsSync } from '@varve/platform'

/** The synchronous face, to be asked like the other one. */
export function asyncOf(sync: VfsSync): Vfs {
  return {
    sync,
    open: async (path: string, mode: OpenMode) => {
      const file = sync.open(path, mode)
      const answers: VfsFile = {
        path,
        read: async (target, position) => file.read(target, position),
        write: async (buffers, position) => file.write(buffers, position),
        datasync: async () => file.datasync(),
        truncate: async size => file.truncate(size),
        stat: async () => file.stat(),
        close: async () => file.close(),
      }
      return answers
    },
    readFile: async (path, options) => sync.readFile(path, options),
    rename: async (from, to) => sync.rename(from, to),
    link: async (from, to) => sync.link(from, to),
    unlink: async path => sync.unlink(path),
    mkdir: async path => sync.mkdir(path),
    ensureDir: async path => sync.ensureDir(path),
    rmdir: async path => sync.rmdir(path),
    removeTree: async path => sync.removeTree(path),
    list: async path => sync.list(path),
    syncDir: async path => sync.syncDir(path),
    stat: async path => sync.stat(path),
    spaceLeft: async path => sync.spaceLeft(path),
    realPath: async path => sync.realPath(path),
  }
}

export async function put(fs: Vfs, path: string, text: string): Promise<void> {
  const file = await fs.open(path, 'create')
  await file.write([Buffer.from(text)], 0)
  await file.close()
}

export async function fails(t: Test, doing: Promise<unknown>, code: string): Promise<void> {
  await t.rejects(doing, { name: 'VarveError', code })
}
