// Encode + append of 100-byte records in batches of 1,000 against the ceiling that encodes, checksums and writes them.
import { fileURLToPath } from 'node:url'
import { BatchWriter } from '@varve/records'
import { makeCeilings } from './ceilings/ceilings.mjs'
import { checksumBuild } from './lib/checksum.mjs'
import { ratio, timeInTurn } from './lib/compare.mjs'
import { withFolder } from './lib/folder.mjs'
import { openLog } from './lib/log.mjs'
import { BASE_TIMESTAMP, BATCHES_PER_WRITE, RECORDS_PER_BATCH, WRITES_PER_RUN } from './lib/workload.mjs'

export const APPEND_BAR = 0.4

export async function measureAppend({ keyed, rounds = 15 }) {
  return withFolder(async folder => {
    const ceilings = makeCeilings(folder, { keyed })
    const { keys, values } = ceilings.records
    const log = await openLog(folder)
    // Memory for the batches of two writes, as the ceiling has: while one is written the other is filled.
    const memories = Array.from({ length: 2 * BATCHES_PER_WRITE }, () => Buffer.allocUnsafeSlow(256 * 1024))
    const writer = new BatchWriter({ memory: memories[0] })
    let partition = await log.fresh()
    const times = await timeInTurn(
      {
        ceiling: ceilings.encodeChecksumWrite,
        async append() {
          let pending = []
          for (let i = 0; i < WRITES_PER_RUN; i++) {
            const appends = []
            for (let b = 0; b < BATCHES_PER_WRITE; b++) {
              writer.reset(memories[(i & 1) * BATCHES_PER_WRITE + b])
              for (let r = 0; r < RECORDS_PER_BATCH; r++) writer.add(keys[r], values[r], BASE_TIMESTAMP)
              appends.push(partition.append(writer.finish()))
            }
            await Promise.all(pending)
            pending = appends
          }
          await Promise.all(pending)
        },
      },
      {
        rounds,
        /**
         * A new file for each round, as the ceiling has, outside of what is timed: with its first batch comes what a
         * partition does once (its files are made, its epoch is noted, its folder is synced).
         */
        async between() {
          partition = await log.fresh(partition)
          const first = new BatchWriter()
          first.add(null, values[0], BASE_TIMESTAMP)
          await partition.append(first.finish())
          await partition.flush()
        },
      },
    )
    await log.close()
    ceilings.close()
    const name = `encode + append, 100-byte records, batches of 1,000, ${keyed ? '16-byte keys that differ' : 'null keys'}, flush.messages at its maximum, ${checksumBuild}, reused memory`
    return { name, reached: ratio(times.ceiling, times.append), bar: APPEND_BAR }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const keyed of [false, true]) {
    const { name, reached, bar } = await measureAppend({ keyed })
    console.log(`${reached.toFixed(2)} (bar ${bar}) ${name}`)
  }
}
