import { join } from 'node:path'
import { checksum } from '../lib/checksum.mjs'
import { BATCHES_PER_WRITE, RECORDS_PER_BATCH, WRITES_PER_RUN, makeRecords } from '../lib/workload.mjs'
import { decodeBatch, encodeBatch } from './encode.mjs'
import { close, datasync, openScratch, read, truncate, writeSync, writev } from './files.mjs'

/**
 * The plain loops that everything is compared with, and what each is made of: memcpy, the same checksum and the same
 * system calls alone. All of one family do the same work a run: WRITES_PER_RUN writes of BATCHES_PER_WRITE batches.
 */
export function makeCeilings(folder, { keyed }) {
  const records = makeRecords({ keyed })
  const batch = Buffer.allocUnsafeSlow(256 * 1024)
  const batchBytes = encodeBatch(batch, 0, records, 0)
  const writeBytes = batchBytes * BATCHES_PER_WRITE
  const source = Buffer.concat(Array.from({ length: BATCHES_PER_WRITE }, () => batch.subarray(0, batchBytes)))
  const rooms = [Buffer.allocUnsafeSlow(writeBytes), Buffer.allocUnsafeSlow(writeBytes)]
  const fd = openScratch(join(folder, 'ceiling.log'))
  const syncFd = openScratch(join(folder, 'ceiling-sync.log'))
  const readFd = openScratch(join(folder, 'ceiling-read.log'))
  for (let i = 0; i < WRITES_PER_RUN; i++) writeSync(readFd, source, 0, source.length, i * writeBytes)

  /** Encodes the next write while the one before is with the operating system, as the engine does. */
  async function encodeChecksumWrite() {
    truncate(fd, 0)
    let pending
    for (let i = 0; i < WRITES_PER_RUN; i++) {
      const room = rooms[i & 1]
      let p = 0
      for (let b = 0; b < BATCHES_PER_WRITE; b++)
        p = encodeBatch(room, p, records, (i * BATCHES_PER_WRITE + b) * RECORDS_PER_BATCH)
      await pending
      pending = writev(fd, [room.subarray(0, p)], i * writeBytes)
    }
    await pending
  }

  async function checksumDecode() {
    let seen = 0
    for (let i = 0; i < WRITES_PER_RUN; i++) {
      for (let p = 0; p < writeBytes;) {
        const decoded = decodeBatch(source, p)
        seen += decoded.seen
        p = decoded.end
      }
    }
    if (seen === 0) throw new Error('nothing was decoded')
  }

  async function readChecksumDecode() {
    let pending = read(readFd, rooms[0], 0)
    for (let i = 0; i < WRITES_PER_RUN; i++) {
      const room = rooms[i & 1]
      await pending
      if (i + 1 < WRITES_PER_RUN) pending = read(readFd, rooms[(i + 1) & 1], (i + 1) * writeBytes)
      for (let p = 0; p < writeBytes;) p = decodeBatch(room, p).end
    }
  }

  async function readChecksum() {
    let pending = read(readFd, rooms[0], 0)
    for (let i = 0; i < WRITES_PER_RUN; i++) {
      const room = rooms[i & 1]
      await pending
      if (i + 1 < WRITES_PER_RUN) pending = read(readFd, rooms[(i + 1) & 1], (i + 1) * writeBytes)
      for (let b = 0; b < BATCHES_PER_WRITE; b++)
        checksum(room.subarray(b * batchBytes + 21, (b + 1) * batchBytes))
    }
  }

  /** Two in flight, so that nobody waits for the way to libuv's threads and back. */
  async function writevLoop() {
    truncate(fd, 0)
    let pending
    for (let i = 0; i < WRITES_PER_RUN; i++) {
      const next = writev(fd, [source], i * writeBytes)
      await pending
      pending = next
    }
    await pending
  }

  async function writevDatasync() {
    for (let i = 0; i < WRITES_PER_RUN; i++) {
      await writev(syncFd, [source], i * writeBytes)
      await datasync(syncFd)
    }
  }

  function copy() {
    for (let i = 0; i < WRITES_PER_RUN; i++) source.copy(rooms[i & 1])
  }

  const parts = {
    copy,
    checksum() {
      for (let i = 0; i < WRITES_PER_RUN; i++) {
        for (let b = 0; b < BATCHES_PER_WRITE; b++)
          checksum(source.subarray(b * batchBytes + 21, (b + 1) * batchBytes))
      }
    },
    /** The system calls on the calling thread: no hop to another one. */
    write() {
      truncate(fd, 0)
      for (let i = 0; i < WRITES_PER_RUN; i++) writeSync(fd, source, 0, source.length, i * writeBytes)
    },
  }

  return {
    batchBytes,
    records,
    bytesPerRun: writeBytes * WRITES_PER_RUN,
    encodeChecksumWrite,
    checksumDecode,
    readChecksumDecode,
    readChecksum,
    writevLoop,
    writevDatasync,
    copy,
    parts,
    source,
    readFd,
    syncFd,
    close() {
      for (const each of [fd, syncFd, readFd]) close(each)
    },
  }
}
