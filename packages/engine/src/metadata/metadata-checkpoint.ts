import { join } from 'node:path'
import { isVarveError, type Vfs } from '@varve/platform'
import { checkBatch, isControl, readAttributes, readControlRecord, recordsOf } from '@varve/records'

/** A snapshot of the metadata: all records up to an offset in their shortest form. */
export interface MetadataCheckpoint {
  readonly path: string
  /** The log goes on here. */
  readonly endOffset: number
  readonly epoch: number
  readonly bytes: Buffer
}

/** `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint` (Kafka's `Snapshots`). */
const NAME = /^(\d{20})-(\d{10})\.checkpoint$/
const BYTES_MAX = 256 * 1024 * 1024

/** The newest checkpoint of a folder that is whole; `undefined` where there is none. */
export async function newestCheckpoint(vfs: Vfs, folder: string): Promise<MetadataCheckpoint | undefined> {
  const names = (await vfs.list(folder))
    .filter(({ kind, name }) => kind === 'file' && NAME.test(name))
    .map(({ name }) => name)
    .sort()
    .reverse()
  for (const name of names) {
    const path = join(folder, name)
    const bytes = await vfs.readFile(path, { max: BYTES_MAX })
    const [, endOffset, epoch] = NAME.exec(name) ?? []
    if (isWhole(bytes)) return { path, endOffset: Number(endOffset), epoch: Number(epoch), bytes }
  }
  return undefined
}

/** Whether a header and a footer are around sound batches. One without its footer was being written in a crash. */
function isWhole(bytes: Buffer): boolean {
  let first: string | undefined
  let last: string | undefined
  try {
    for (let at = 0; at < bytes.length;) {
      const size = checkBatch(bytes, at)
      last = 'records'
      if (isControl(readAttributes(bytes, at))) {
        for (const { key, value } of recordsOf(bytes, at)) {
          last = readControlRecord(key, value).type
          first ??= last
        }
      }
      at += size
    }
  } catch (error) {
    if (isVarveError(error, 'CORRUPT_MESSAGE', 'INVALID_RECORD')) return false
    throw error
  }
  return first === 'snapshotHeader' && last === 'snapshotFooter'
}
