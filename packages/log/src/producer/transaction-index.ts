import { join } from 'node:path'
import { isVarveError, type Vfs } from '@varve/platform'
import { removeFile } from '../checkpoints/checkpoint-file.ts'
import { logLimits } from '../limits.ts'
import { segmentFileName, TRANSACTION_INDEX_SUFFIX } from '../segment/segment-files.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { ABORTED_TXN_SIZE, formatAbortedTxns, parseAbortedTxns, type AbortedTxn } from './aborted-txn.ts'

/**
 * The transactions that the markers of one segment aborted, and their `.txnindex`. The file is a cache that may lag
 * behind; a segment without an aborted transaction has none. Source: apache/kafka,
 * org.apache.kafka.storage.internals.log.TransactionIndex.
 */
export class TransactionIndex {
  readonly baseOffset: number
  readonly path: string
  /** In the order of their markers. */
  entries: AbortedTxn[] = []
  /** Whether the entries are all of the segment's; otherwise the file has those of older markers. */
  complete: boolean
  /** Whether the entries are known to be what the log says. */
  verified: boolean
  /** Entries at the beginning that the file holds, -1 while nothing of it is believed. */
  saved = -1
  /** Whether the file is synced. */
  synced = false

  constructor(folder: string, baseOffset: number, { complete }: { complete: boolean }) {
    this.baseOffset = baseOffset
    this.path = join(folder, segmentFileName(baseOffset, TRANSACTION_INDEX_SUFFIX))
    this.complete = complete
    this.verified = complete
  }

  append(txn: AbortedTxn): void {
    this.entries.push(txn)
    this.synced = false
  }

  get isSaved(): boolean {
    return this.saved === this.entries.length
  }

  /** The entries that the file holds; undefined where it cannot be true, none where it is missing. */
  async read(vfs: Vfs, endOffset: number): Promise<AbortedTxn[] | undefined> {
    try {
      const bytes = await vfs.readFile(this.path, { max: logLimits.checkpointBytesMax })
      return parseAbortedTxns(bytes, { baseOffset: this.baseOffset, endOffset })
    } catch (error) {
      if (isVarveError(error, 'NOT_FOUND')) return []
      if (isVarveError(error, 'TOO_LARGE')) return undefined
      throw error
    }
  }

  /** Puts the older entries, of which only the file knew, before those of `known` markers. */
  complement(
    older: readonly AbortedTxn[],
    known: readonly AbortedTxn[],
    { verified }: { verified: boolean },
  ): void {
    this.entries = [...older, ...known]
    this.complete = true
    this.verified = verified
  }

  /** Writes what the file lacks, and removes it where there is nothing. The index is complete. */
  async save(vfs: Vfs, { sync }: { sync: boolean }): Promise<void> {
    const { entries } = this
    if (entries.length === 0) {
      await removeFile(vfs, this.path)
      this.saved = 0
      this.synced = true
      return
    }
    const from = Math.max(0, this.saved)
    // Markers may come while this waits for the disk: they are the next call's.
    const to = entries.length
    const anew = this.saved < 0
    const file = await vfs.open(this.path, 'create')
    try {
      const position = from * ABORTED_TXN_SIZE
      if (from < to) await file.write([formatAbortedTxns(entries.slice(from, to))], position)
      if (anew) await file.truncate(to * ABORTED_TXN_SIZE)
      if (sync && !plantedBugs.dataSyncLeftOut) await file.datasync()
      // A reader found meanwhile that they are others.
      if (this.entries !== entries) return
      this.saved = to
      if (sync) this.synced = this.isSaved
    } finally {
      await file.close()
    }
  }
}
