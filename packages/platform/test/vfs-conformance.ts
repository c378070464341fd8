import type { Test } from 'tap'
import type { Vfs, VfsFile, VfsSync } from '../src/vfs/vfs.ts'

/** A file system and an empty folder in it. */
export interface Subject {
  fs: Vfs
  folder: string
}

type Case = (t: Test, subject: Subject) => Promise<void>

/** What every file system does, whichever face it is asked through. */
export const conformance: Record<string, Case> = {
  'writes what it is given and reads it back': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/a`, 'create')
    await file.write([Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')], 0)
    await file.write([Buffer.from('X')], 1)
    await file.write([], 99)
    t.equal((await file.stat()).size, 6)
    t.equal(await textAt(file, 0, 6), 'oXetwo')
    t.equal(await textAt(file, 4, 100), 'wo', 'less than asked for at the end')
    t.equal(await textAt(file, 6, 1), '', 'nothing at the end')
    t.equal(await textAt(file, 1000, 1), '', 'nothing beyond the end')
    t.equal(await textAt(file, 0, 0), '', 'nothing when nothing is asked for')
    await file.datasync()
    await file.close()
    t.equal((await fs.readFile(`${folder}/a`)).toString(), 'oXetwo')
  },

  'reads a gap as zeros': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/gap`, 'create')
    const position = 3 * 1024 * 1024 + 17
    await file.write([Buffer.from('end')], position)
    const bytes = await fs.readFile(`${folder}/gap`)
    t.equal(bytes.length, position + 3)
    t.ok(bytes.subarray(0, position).equals(Buffer.alloc(position)))
    t.equal(bytes.toString('latin1', position), 'end')
    await file.close()
  },

  'takes more buffers at once than the system does, and large ones': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/many`, 'create')
    const buffers = Array.from({ length: 2600 }, (_, index) => Buffer.from(`${index},`))
    buffers.splice(1300, 0, Buffer.alloc(2_500_000, 7))
    await file.write(buffers, 5)
    const wanted = Buffer.concat([Buffer.alloc(5), ...buffers])
    t.ok((await fs.readFile(`${folder}/many`)).equals(wanted))
    const slice = Buffer.alloc(1_200_000)
    t.equal(await file.read(slice, 900_000), slice.length)
    t.ok(slice.equals(wanted.subarray(900_000, 2_100_000)))
    await file.close()
  },

  'views, where there are any, show the bytes and never change': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/view`, 'create')
    await file.write([Buffer.from('abcdef')], 0)
    const view = file.view?.(1, 3)
    t.equal(file.view?.(6, 1), undefined, 'nothing at the end')
    await file.write([Buffer.from('XYZ')], 2)
    await file.write([Buffer.alloc(9000, 1)], 6)
    await file.truncate(2)
    await file.write([Buffer.from('new bytes')], 0)
    if (view !== undefined) t.equal(view.toString(), 'bcd')
    t.equal(await textAt(file, 0, 20), 'new bytes')
    await file.close()
  },

  'cuts and extends a file': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/cut`, 'create')
    await file.write([Buffer.alloc(5000, 'x')], 0)
    await file.truncate(3)
    t.equal((await file.stat()).size, 3)
    await file.truncate(6000)
    const bytes = await fs.readFile(`${folder}/cut`)
    t.ok(
      bytes.equals(Buffer.concat([Buffer.from('xxx'), Buffer.alloc(5997)])),
      'what was cut does not show again',
    )
    await file.truncate(2_000_000)
    await file.truncate(0)
    t.equal((await file.stat()).size, 0)
    await file.datasync()
    await file.close()
  },

  'opens as the mode says': async (t, { fs, folder }) => {
    await fails(t, fs.open(`${folder}/no`, 'read'), 'NOT_FOUND')
    await fails(t, fs.open(`${folder}/no`, 'write'), 'NOT_FOUND')
    await fails(t, fs.open(`${folder}/no/no`, 'create'), 'NOT_FOUND')
    await put(fs, `${folder}/yes`, 'kept')
    await fails(t, fs.open(`${folder}/yes`, 'create-new'), 'ALREADY_EXISTS')
    await fails(t, fs.open(`${folder}/yes/below`, 'create'), 'NOT_FOUND')
    await fails(t, fs.open(folder, 'write'), 'NOT_PERMITTED')
    const again = await fs.open(`${folder}/yes`, 'create')
    t.equal(await textAt(again, 0, 9), 'kept', 'nothing truncates')
    await again.close()
    const read = await fs.open(`${folder}/yes`, 'read')
    await fails(t, read.write([Buffer.from('x')], 0), 'NOT_PERMITTED')
    await read.close()
    const write = await fs.open(`${folder}/yes`, 'write')
    await write.write([Buffer.from('KE')], 0)
    t.equal(await textAt(write, 0, 9), 'KEpt')
    await write.close()
  },

  'says one clear sentence, where and why, when it fails': async (t, { fs, folder }) => {
    const path = `${folder}/nothing`
    const error: unknown = await fs.open(path, 'read').catch((found: unknown) => found)
    t.match(error, {
      name: 'VarveError',
      code: 'NOT_FOUND',
      retriable: false,
      context: { path, errno: 'ENOENT' },
    })
    t.match(error, {
      message: /^Cannot open .*nothing: there is no such file or folder, check the path \(ENOENT\)\.$/,
    })
  },

  'a closed file takes no calls, and closing again is fine': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/closed`, 'create')
    await file.close()
    await file.close()
    await fails(t, file.read(Buffer.alloc(1), 0), 'CLOSED')
    await fails(t, file.write([Buffer.alloc(1)], 0), 'CLOSED')
    await fails(t, file.datasync(), 'CLOSED')
    await fails(t, file.truncate(0), 'CLOSED')
    await fails(t, file.stat(), 'CLOSED')
  },

  'refuses to read a file that is larger than expected': async (t, { fs, folder }) => {
    await put(fs, `${folder}/large`, '0123456789')
    t.equal((await fs.readFile(`${folder}/large`, { max: 10 })).length, 10)
    await fails(t, fs.readFile(`${folder}/large`, { max: 9 }), 'TOO_LARGE')
    await fails(t, fs.readFile(`${folder}/missing`), 'NOT_FOUND')
    await put(fs, `${folder}/empty`, '')
    t.equal((await fs.readFile(`${folder}/empty`)).length, 0)
  },

  'renames a file over another': async (t, { fs, folder }) => {
    await put(fs, `${folder}/new`, 'new')
    await put(fs, `${folder}/old`, 'old')
    const id = (await fs.stat(`${folder}/new`))?.id
    await fs.rename(`${folder}/new`, `${folder}/old`)
    t.equal((await fs.readFile(`${folder}/old`)).toString(), 'new')
    t.equal(await fs.stat(`${folder}/new`), undefined)
    t.equal((await fs.stat(`${folder}/old`))?.id, id, 'it is the same file under another name')
    await fs.rename(`${folder}/old`, `${folder}/old`)
    t.equal((await fs.readFile(`${folder}/old`)).toString(), 'new')
    await fails(t, fs.rename(`${folder}/none`, `${folder}/old`), 'NOT_FOUND')
    await fails(t, fs.rename(`${folder}/old`, `${folder}/none/old`), 'NOT_FOUND')
    await fs.syncDir(folder)
  },

  'renames a folder with what is in it': async (t, { fs, folder }) => {
    await fs.ensureDir(`${folder}/topic-0/deep`)
    await put(fs, `${folder}/topic-0/deep/log`, 'data')
    await fs.rename(`${folder}/topic-0`, `${folder}/topic-0.deleted`)
    t.equal((await fs.readFile(`${folder}/topic-0.deleted/deep/log`)).toString(), 'data')
    t.equal(await fs.stat(`${folder}/topic-0`), undefined)
    await fails(
      t,
      fs.rename(`${folder}/topic-0.deleted`, `${folder}/topic-0.deleted/deep/in`),
      'INVALID_ARGUMENT',
      'NOT_PERMITTED',
    )
    await fs.mkdir(`${folder}/full`)
    await put(fs, `${folder}/full/file`, '')
    await fails(
      t,
      fs.rename(`${folder}/topic-0.deleted`, `${folder}/full`),
      'NOT_PERMITTED',
      'ALREADY_EXISTS',
    )
    await fails(t, fs.rename(`${folder}/full/file`, `${folder}/topic-0.deleted`), 'NOT_PERMITTED')
  },

  'links a file to a second name': async (t, { fs, folder }) => {
    await put(fs, `${folder}/first`, 'shared')
    await fs.link(`${folder}/first`, `${folder}/second`)
    await fails(t, fs.link(`${folder}/first`, `${folder}/second`), 'ALREADY_EXISTS')
    await fails(t, fs.link(`${folder}/none`, `${folder}/third`), 'NOT_FOUND')
    t.equal((await fs.stat(`${folder}/first`))?.id, (await fs.stat(`${folder}/second`))?.id)
    const file = await fs.open(`${folder}/first`, 'write')
    await file.write([Buffer.from('S')], 0)
    await file.close()
    await fs.rename(`${folder}/first`, `${folder}/second`)
    t.ok(await fs.stat(`${folder}/first`), 'renaming a file to itself does nothing')
    await fs.unlink(`${folder}/first`)
    t.equal((await fs.readFile(`${folder}/second`)).toString(), 'Shared')
  },

  'removes a file under its readers': async (t, { fs, folder }) => {
    await put(fs, `${folder}/gone`, 'still here')
    const file = await fs.open(`${folder}/gone`, 'write')
    await fs.unlink(`${folder}/gone`)
    t.equal(await fs.stat(`${folder}/gone`), undefined)
    t.same(await fs.list(folder), [])
    t.equal(await textAt(file, 0, 99), 'still here')
    await file.write([Buffer.from('STILL')], 0)
    t.equal(await textAt(file, 0, 5), 'STILL')
    await file.datasync()
    await file.close()
    await fails(t, fs.unlink(`${folder}/gone`), 'NOT_FOUND')
    await fs.mkdir(`${folder}/folder`)
    await fails(t, fs.unlink(`${folder}/folder`), 'NOT_PERMITTED')
  },

  'makes folders': async (t, { fs, folder }) => {
    await fs.mkdir(`${folder}/one`)
    await fails(t, fs.mkdir(`${folder}/one`), 'ALREADY_EXISTS')
    await fails(t, fs.mkdir(`${folder}/two/deep`), 'NOT_FOUND')
    await fs.ensureDir(`${folder}/two/deep/er`)
    await fs.ensureDir(`${folder}/two/deep/er`)
    t.equal((await fs.stat(`${folder}/two/deep/er`))?.kind, 'folder')
    await put(fs, `${folder}/file`, '')
    await fails(t, fs.mkdir(`${folder}/file`), 'ALREADY_EXISTS')
    await fails(t, fs.ensureDir(`${folder}/file`), 'ALREADY_EXISTS')
    await fails(t, fs.ensureDir(`${folder}/file/below`), 'ALREADY_EXISTS', 'NOT_FOUND')
  },

  'removes folders': async (t, { fs, folder }) => {
    await fs.ensureDir(`${folder}/tree/branch`)
    await put(fs, `${folder}/tree/branch/leaf`, 'x')
    await fails(t, fs.rmdir(`${folder}/tree`), 'NOT_PERMITTED')
    await fails(t, fs.rmdir(`${folder}/none`), 'NOT_FOUND')
    await fs.removeTree(`${folder}/tree`)
    await fs.removeTree(`${folder}/tree`)
    t.equal(await fs.stat(`${folder}/tree`), undefined)
    await fs.mkdir(`${folder}/empty`)
    await fs.rmdir(`${folder}/empty`)
    await put(fs, `${folder}/file`, '')
    await fs.removeTree(`${folder}/file`)
    t.same(await fs.list(folder), [])
  },

  'lists by name in code units': async (t, { fs, folder }) => {
    for (const name of ['b', 'a10', 'a2', 'Z', 'é', '.dot']) await put(fs, `${folder}/${name}`, '')
    await fs.mkdir(`${folder}/folder`)
    const entries = await fs.list(folder)
    t.same(
      entries.map(entry => entry.name),
      ['.dot', 'Z', 'a10', 'a2', 'b', 'folder', 'é'],
    )
    t.equal(entries.find(entry => entry.name === 'folder')?.kind, 'folder')
    t.equal(entries.find(entry => entry.name === 'b')?.kind, 'file')
    await fails(t, fs.list(`${folder}/none`), 'NOT_FOUND')
    await fails(t, fs.list(`${folder}/b`), 'NOT_FOUND')
  },

  'says what is where': async (t, { fs, folder }) => {
    t.equal(await fs.stat(`${folder}/none`), undefined)
    await put(fs, `${folder}/file`, '12345')
    t.equal(await fs.stat(`${folder}/file/below`), undefined, 'nothing lies below a file')
    const stat = await fs.stat(`${folder}/file`)
    t.match(stat, { kind: 'file', size: 5 })
    t.ok(Number.isFinite(stat?.modifiedMs))
    t.not(stat?.id, (await fs.stat(folder))?.id)
    t.equal((await fs.stat(folder))?.kind, 'folder')
    t.equal(
      await fs.realPath(`${folder}/./x/../file`).catch(() => fs.realPath(`${folder}/file`)),
      await fs.realPath(`${folder}/file`),
    )
    await fails(t, fs.realPath(`${folder}/none`), 'NOT_FOUND')
    t.ok((await fs.spaceLeft(folder)) > 0)
    t.ok((await fs.spaceLeft(`${folder}/not/there/yet`)) > 0, 'of the nearest folder that exists')
  },

  'syncs a folder after each kind of change': async (t, { fs, folder }) => {
    await put(fs, `${folder}/a`, '1')
    await fs.syncDir(folder)
    await fs.rename(`${folder}/a`, `${folder}/b`)
    await fs.syncDir(folder)
    await fs.unlink(`${folder}/b`)
    await fs.syncDir(folder)
    t.same(await fs.list(folder), [])
  },

  'takes names that topics may have, and refuses those that no file may have': async (t, { fs, folder }) => {
    const longest = 'n'.repeat(255)
    await put(fs, `${folder}/${longest}`, '')
    await fails(t, fs.open(`${folder}/${longest}n`, 'create'), 'INVALID_ARGUMENT')
    await fails(t, fs.open(`${folder}/zero\0byte`, 'create'), 'INVALID_ARGUMENT')
    await put(fs, `${folder}/a.b_c-1`, '')
    t.equal((await fs.list(folder)).length, 2)
  },

  'runs many calls at once': async (t, { fs, folder }) => {
    const file = await fs.open(`${folder}/at-once`, 'create')
    const blocks = Array.from({ length: 50 }, (_, index) => Buffer.alloc(100, index))
    await Promise.all(blocks.map((block, index) => file.write([block], index * 100)))
    const read = Promise.all(blocks.map((_, index) => readAt(file, index * 100, 100)))
    const closed = file.close()
    t.ok(Buffer.concat(await read).equals(Buffer.concat(blocks)), 'closing waits for what is under way')
    await closed
  },
}

/** The synchronous face, to be asked like the other one. */
export function asyncOf(sync: VfsSync): Vfs {
  const later =
    <A extends unknown[], T>(run: (...args: A) => T) =>
    (...args: A): Promise<T> =>
      new Promise(resolve => {
        resolve(run(...args))
      })
  return {
    sync,
    open: later((path: string, mode: Parameters<Vfs['open']>[1]) => {
      const file = sync.open(path, mode)
      const view = file.view?.bind(file)
      return {
        path: file.path,
        read: later((target: Uint8Array, position: number) => file.read(target, position)),
        ...(view === undefined ? {} : { view }),
        write: later((buffers: readonly Uint8Array[], position: number) => {
          file.write(buffers, position)
        }),
        datasync: later(() => {
          file.datasync()
        }),
        truncate: later((size: number) => {
          file.truncate(size)
        }),
        stat: later(() => file.stat()),
        close: later(() => {
          file.close()
        }),
      }
    }),
    readFile: later((path: string, options?: { max?: number }) => sync.readFile(path, options)),
    rename: later(sync.rename.bind(sync)),
    link: later(sync.link.bind(sync)),
    unlink: later(sync.unlink.bind(sync)),
    mkdir: later(sync.mkdir.bind(sync)),
    ensureDir: later(sync.ensureDir.bind(sync)),
    rmdir: later(sync.rmdir.bind(sync)),
    removeTree: later(sync.removeTree.bind(sync)),
    list: later(sync.list.bind(sync)),
    syncDir: later(sync.syncDir.bind(sync)),
    stat: later(sync.stat.bind(sync)),
    spaceLeft: later(sync.spaceLeft.bind(sync)),
    realPath: later(sync.realPath.bind(sync)),
  }
}

export async function put(fs: Vfs, path: string, text: string): Promise<void> {
  const file = await fs.open(path, 'create')
  await file.write([Buffer.from(text)], 0)
  await file.close()
}

export async function fails(t: Test, doing: Promise<unknown>, ...codes: string[]): Promise<void> {
  const error: unknown = await doing.then(
    () => undefined,
    (found: unknown) => found,
  )
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  t.ok(codes.includes(code), `fails with ${codes.join(' or ')}`, { error })
}

async function readAt(file: VfsFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, await file.read(bytes, position))
}

async function textAt(file: VfsFile, position: number, length: number): Promise<string> {
  return (await readAt(file, position, length)).toString()
}
