// With flush.messages=1, 64 writers that append at the same time, each waiting for its own acknowledgement, against the raw loop
// that commits the same bytes in groups: one writev and one sync for all 64. The raw loop is tried both ways, datasync after
// the write and a handle opened with O_DSYNC; the faster one counts.
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BatchWriter } from '@varve/records'
import { close, datasync as sync, openScratch, truncate, writev } from './ceilings/files.mjs'
import { ratio, timeInTurn } from './lib/compare.mjs'
import { withFolder } from './lib/folder.mjs'
import { openLog } from './lib/log.mjs'
import { BASE_TIMESTAMP, makeRecords } from './lib/workload.mjs'

const WRITERS = 64
const APPENDS = 16
const RECORDS = 10

export const FLUSH_BAR = 0.4

export async function measureFlush({ rounds = 15 } = {}) {
  return withFolder(async folder => {
    const { values } = makeRecords({ keyed: false })
    const batches = Array.from({ length: WRITERS }, (_, writer) => {
      const encoder = new BatchWriter()
      for (let r = 0; r < RECORDS; r++) encoder.add(null, values[writer * RECORDS + r], BASE_TIMESTAMP)
      return encoder.finish()
    })
    const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
    const fd = openScratch(join(folder, 'sync.log'))
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | (fs.constants.O_DSYNC ?? 0)
    const dsyncFd = fs.openSync(join(folder, 'dsync.log'), flags, 0o600)
    const log = await openLog(folder)
    let partition
    const times = await timeInTurn(
      {
        async writevDatasync() {
          truncate(fd, 0)
          for (let i = 0; i < APPENDS; i++) {
            await writev(fd, batches, i * bytes)
            await sync(fd)
          }
        },
        async writevDsync() {
          truncate(dsyncFd, 0)
          for (let i = 0; i < APPENDS; i++) await writev(dsyncFd, batches, i * bytes)
        },
        async log() {
          await Promise.all(
            batches.map(async batch => {
              for (let i = 0; i < APPENDS; i++) await partition.append(batch)
            }),
          )
        },
      },
      {
        rounds,
        /** A new file for each round, as the raw loops have; what a partition does once comes with its first batch. */
        async between() {
          partition = await log.fresh(partition, { flushMessages: 1 })
          await partition.append(batches[0])
        },
      },
    )
    await log.close()
    close(fd)
    close(dsyncFd)
    const datasync = ratio(times.writevDatasync, times.log)
    const dsync = ratio(times.writevDsync, times.log)
    const name = `${WRITERS} writers, ${RECORDS} records of 100 bytes an append, flush.messages=1, of writev + datasync in groups`
    return {
      name,
      reached: Math.min(datasync, dsync),
      bar: FLUSH_BAR,
      datasync,
      dsync,
    }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { name, reached, bar, datasync, dsync } = await measureFlush()
  console.log(`${reached.toFixed(2)} (bar ${bar}) ${name}`)
  console.log(
    `     ${datasync.toFixed(2)} of the loop with datasync, ${dsync.toFixed(2)} of the one with O_DSYNC`,
  )
}
