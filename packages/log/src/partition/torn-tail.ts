import { dirname, join } from 'node:path'
import type { Vfs, VfsFile } from '@varve/platform'
import { removeFile } from '../checkpoints/checkpoint-file.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import { segmentFileName, TORN_SUFFIX } from '../segment/segment-files.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'

const COPY_BYTES = 1024 * 1024

/**
 * Moves the bytes from `position` to the end of a segment's file into a `.torn` file beside it: copied, synced and
 * named for good before the log is cut, so that a crash at any step loses none of them.
 *
 * @returns the path of the `.torn` file
 */
export async function setTailAside(
  vfs: Vfs,
  segment: LogSegment,
  file: VfsFile,
  position: number,
): Promise<string> {
  const { size } = await file.stat()
  const to = await endOfBytes(file, position, size)
  const path = await freeTornPath(vfs, segment, position)
  const torn = await vfs.open(path, 'create-new')
  try {
    await copy(file, torn, { from: position, to, at: 0 })
    await torn.datasync()
  } finally {
    await torn.close()
  }
  await vfs.syncDir(segment.folder)
  await cutTail(file, position)
  return path
}

export async function cutTail(file: VfsFile, position: number): Promise<void> {
  await file.truncate(position)
  if (!plantedBugs.dataSyncLeftOut) await file.datasync()
}

/** Moves a whole segment out of the log: its file gets the name of a torn one, its indexes go. */
export async function setSegmentAside(vfs: Vfs, segment: LogSegment): Promise<string> {
  const path = await freeTornPath(vfs, segment, 0)
  await vfs.rename(segment.logPath, path)
  await removeFile(vfs, segment.offsetIndexPath)
  await removeFile(vfs, segment.timeIndexPath)
  // Its transaction index belongs to no segment any more, and goes when the log is loaded.
  await vfs.syncDir(segment.folder)
  return path
}

/**
 * Writes the range again where it is, and syncs. After a failed sync in an earlier process the kernel holds such pages
 * as clean, and a sync alone would do nothing; writing them makes them dirty again.
 */
export async function makeDurable(file: VfsFile, range: { from: number; to: number }): Promise<void> {
  await copy(file, file, { ...range, at: range.from })
  await file.datasync()
}

/** Where something but zeros ends, to the size of a copy: a preallocated rest is not worth another one on the disk. */
async function endOfBytes(file: VfsFile, from: number, size: number): Promise<number> {
  const memory = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, size - from)))
  let to = size
  while (to - from > COPY_BYTES) {
    const count = await file.read(memory, to - memory.length)
    if (memory.subarray(0, count).some(byte => byte !== 0)) break
    to -= memory.length
  }
  return to
}

async function copy(
  source: VfsFile,
  target: VfsFile,
  range: { from: number; to: number; at: number },
): Promise<void> {
  const length = range.to - range.from
  const memories = [0, 1].map(() => Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, length))))
  // While one piece is written the next one is read.
  let writing: Promise<void> = Promise.resolve()
  for (let done = 0, turn = 0; done < length; turn++) {
    const memory = memories[turn & 1]?.subarray(0, length - done) ?? Buffer.alloc(0)
    const [count] = await Promise.all([source.read(memory, range.from + done), writing])
    if (count === 0) return
    writing = target.write([memory.subarray(0, count)], range.at + done)
    done += count
  }
  await writing
}

/** `<base offset>.<position>.torn`, with a number behind where an earlier tail has that name. */
async function freeTornPath(vfs: Vfs, segment: LogSegment, position: number): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const ending = `.${position}${attempt === 0 ? '' : `.${attempt}`}${TORN_SUFFIX}`
    const path = join(dirname(segment.logPath), segmentFileName(segment.baseOffset, ending))
    if ((await vfs.stat(path)) === undefined) return path
  }
}
