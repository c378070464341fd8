// Sequential reads of whole batches, 1 MiB at a time, against raw reads of the same file into reused memory and the same
// checksum over the same bytes, by whichever face of the file system is the fastest. The file lies in the page cache.
import { openSync, closeSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BATCH_HEADER_SIZE, BatchWriter, readBatchSize, readLastOffset } from '@varve/records'
import { read } from './ceilings/files.mjs'
import { checksum, checksumBuild } from './lib/checksum.mjs'
import { ratio, timeInTurn } from './lib/compare.mjs'
import { withFolder } from './lib/folder.mjs'
import { openLog } from './lib/log.mjs'
import { BASE_TIMESTAMP } from './lib/workload.mjs'

export const READ_BAR = 0.6
const FETCH_BYTES = 1024 * 1024
const LOG_BYTES = 32 * FETCH_BYTES
/** Where the part of a batch begins that its checksum covers. */
const CHECKED_FROM = 21

export async function measureRead({ valueBytes, rounds = 15 }) {
  return withFolder(async folder => {
    const log = await openLog(folder)
    const partition = await fill(await log.fresh(), valueBytes)
    const path = join(folder, 'data', partition.name, '00000000000000000000.log')
    const fd = openSync(path, 'r')
    const memories = [0, 1].map(() => Buffer.allocUnsafeSlow(FETCH_BYTES + 8192))
    const end = partition.highWatermark
    const size = partition.size
    const first = (await partition.read({ offset: 0, maxBytes: 1 })).bytes
    const step = Math.floor(FETCH_BYTES / first.length) * first.length

    function check(bytes) {
      for (let at = 0; at + BATCH_HEADER_SIZE <= bytes.length; at += readBatchSize(bytes, at))
        checksum(bytes.subarray(at + CHECKED_FROM, at + readBatchSize(bytes, at)))
    }
    const ceilings = {
      sync() {
        for (let at = 0; at < size; at += step) {
          const count = Math.min(step, size - at)
          readSync(fd, memories[0], 0, count, at)
          check(memories[0].subarray(0, count))
        }
      },
      async async() {
        let turn = 0
        let pending = read(fd, memories[0].subarray(0, Math.min(step, size)), 0)
        for (let at = 0; at < size; at += step) {
          await pending
          const bytes = memories[turn & 1].subarray(0, Math.min(step, size - at))
          const next = at + step
          if (next < size)
            pending = read(fd, memories[++turn & 1].subarray(0, Math.min(step, size - next)), next)
          check(bytes)
        }
      },
    }
    const times = await timeInTurn(
      {
        ...ceilings,
        async log() {
          for (let offset = 0; offset < end;) {
            const { bytes } = await partition.read({ offset, maxBytes: FETCH_BYTES, memory: memories[0] })
            for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at))
              offset = readLastOffset(bytes, at) + 1
          }
        },
      },
      { rounds },
    )
    closeSync(fd)
    await log.close()
    const reached = Math.min(ratio(times.sync, times.log), ratio(times.async, times.log))
    const name = `sequential read of whole batches, ${valueBytes}-byte records, ${first.length} bytes a batch, 1 MiB a fetch, ${checksumBuild}`
    return {
      name,
      reached,
      bar: READ_BAR,
      of: { sync: ratio(times.sync, times.log), async: ratio(times.async, times.log) },
    }
  })
}

async function fill(partition, valueBytes) {
  const value = Buffer.alloc(valueBytes, 'v')
  const records = Math.max(1, Math.floor(100_000 / valueBytes))
  for (let bytes = 0; bytes < LOG_BYTES;) {
    const writer = new BatchWriter()
    for (let record = 0; record < records; record++) writer.add(null, value, BASE_TIMESTAMP)
    const batch = writer.finish()
    bytes += batch.length
    await partition.append(batch)
  }
  return partition
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const valueBytes of [100, 1024]) {
    const { name, reached, bar, of } = await measureRead({ valueBytes })
    console.log(
      `${reached.toFixed(2)} (bar ${bar}; of sync ${of.sync.toFixed(2)}, of async ${of.async.toFixed(2)}) ${name}`,
    )
  }
}
