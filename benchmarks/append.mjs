// Encode + append of 100-byte records in batches of 1,000 against the ceiling that encodes, checksums and writes them; and of
// 1 KB records against raw writev of the same bytes, with and without the encoding.
import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BatchWriter } from '@varve/records'
import { makeCeilings } from './ceilings/ceilings.mjs'
import { close, openScratch, truncate, writev } from './ceilings/files.mjs'
import { checksumBuild } from './lib/checksum.mjs'
import { ratio, timeInTurn } from './lib/compare.mjs'
import { withFolder } from './lib/folder.mjs'
import { openLog } from './lib/log.mjs'
import { BASE_TIMESTAMP, BATCHES_PER_WRITE, RECORDS_PER_BATCH, WRITES_PER_RUN } from './lib/workload.mjs'

export const APPEND_BAR = 0.4
export const LARGE_APPEND_BAR = 0.4
/** Encoding and checking cost more than the write itself here, and run on one thread. */
export const LARGE_ENCODE_BAR = 0.2

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

const LARGE_BYTES = 1024
const LARGE_RECORDS_PER_BATCH = 100

/**
 * 1 KB records: what `PartitionLog.append` makes of batches that are encoded already, and encode + append, each as a share of
 * raw asynchronous writev of the same bytes. Nobody here knows who encoded the first ones: each record is checked.
 */
export async function measureLargeAppend({ rounds = 15 } = {}) {
  return withFolder(async folder => {
    const values = Array.from({ length: LARGE_RECORDS_PER_BATCH }, () =>
      randomFillSync(Buffer.allocUnsafeSlow(LARGE_BYTES)),
    )
    const writer = new BatchWriter({ memory: Buffer.allocUnsafeSlow(256 * 1024) })
    const encode = () => {
      for (const value of values) writer.add(null, value, BASE_TIMESTAMP)
      return writer.finish()
    }
    const batch = encode()
    const [memories, encoded, groups] = [
      () => Buffer.allocUnsafeSlow(256 * 1024),
      () => Buffer.from(batch),
      () => Buffer.concat(Array.from({ length: BATCHES_PER_WRITE }, () => batch)),
    ].map((make, kind) => Array.from({ length: kind === 2 ? 1 : 2 * BATCHES_PER_WRITE }, make))
    const fd = openScratch(join(folder, 'raw.log'))
    const log = await openLog(folder)
    let partition

    /** Two groups of batches are under way, so that nobody waits for the way to the disk and back. */
    const appendGroups = async batchAt => {
      let pending = []
      for (let i = 0; i < WRITES_PER_RUN; i++) {
        const appends = []
        for (let b = 0; b < BATCHES_PER_WRITE; b++)
          appends.push(partition.append(batchAt((i & 1) * BATCHES_PER_WRITE + b)))
        await Promise.all(pending)
        pending = appends
      }
      await Promise.all(pending)
    }
    const times = await timeInTurn(
      {
        async writev() {
          truncate(fd, 0)
          let pending
          for (let i = 0; i < WRITES_PER_RUN; i++) {
            const next = writev(fd, groups, i * groups[0].length)
            await pending
            pending = next
          }
          await pending
        },
        append: () => appendGroups(slot => encoded[slot]),
        encodeAppend: () =>
          appendGroups(slot => {
            writer.reset(memories[slot])
            return encode()
          }),
      },
      {
        rounds,
        async between() {
          partition = await log.fresh(partition)
          await partition.append(Buffer.from(batch))
          await partition.flush()
        },
      },
    )
    await log.close()
    close(fd)
    const what = `1 KB records in batches of 100, flush.messages at its maximum, ${checksumBuild}, of raw writev`
    return [
      {
        name: `append of encoded batches, ${what}`,
        reached: ratio(times.writev, times.append),
        bar: LARGE_APPEND_BAR,
      },
      {
        name: `encode + append, ${what}`,
        reached: ratio(times.writev, times.encodeAppend),
        bar: LARGE_ENCODE_BAR,
      },
    ]
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const keyed of [false, true]) {
    const { name, reached, bar } = await measureAppend({ keyed })
    console.log(`${reached.toFixed(2)} (bar ${bar}) ${name}`)
  }
  for (const { name, reached, bar } of await measureLargeAppend())
    console.log(`${reached.toFixed(2)} (bar ${bar}) ${name}`)
}
