// A scan by batches of a log against the ceiling that reads, checksums and decodes the same bytes.
import { fileURLToPath } from 'node:url'
import { BatchReader, BatchWriter, readBatchSize, readLastOffset } from '@varve/records'
import { makeCeilings } from './ceilings/ceilings.mjs'
import { checksumBuild } from './lib/checksum.mjs'
import { ratio, timeInTurn } from './lib/compare.mjs'
import { withFolder } from './lib/folder.mjs'
import { openLog } from './lib/log.mjs'
import { BASE_TIMESTAMP, BATCHES_PER_WRITE, RECORDS_PER_BATCH, WRITES_PER_RUN } from './lib/workload.mjs'

export const SCAN_BAR = 0.4

export async function measureScan({ keyed, rounds = 15 }) {
  return withFolder(async folder => {
    const ceilings = makeCeilings(folder, { keyed })
    const log = await openLog(folder)
    const partition = await fill(await log.fresh(), ceilings.records)
    const maxBytes = ceilings.batchBytes * BATCHES_PER_WRITE
    const memories = [Buffer.allocUnsafeSlow(maxBytes + 8192), Buffer.allocUnsafeSlow(maxBytes + 8192)]
    const reader = new BatchReader()
    const end = partition.highWatermark

    const times = await timeInTurn(
      {
        ceiling: ceilings.readChecksumDecode,
        async scan() {
          let seen = 0
          let turn = 0
          let pending = partition.read({ offset: 0, maxBytes, memory: memories[0] })
          for (let offset = 0; offset < end;) {
            const { bytes } = await pending
            let next = offset
            for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at))
              next = readLastOffset(bytes, at) + 1
            // The next read is under way while this one is decoded.
            if (next < end) pending = partition.read({ offset: next, maxBytes, memory: memories[++turn & 1] })
            for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
              reader.open(bytes, at)
              while (reader.advance()) seen += reader.offsetDelta + reader.valueSize
            }
            offset = next
          }
          if (seen === 0) throw new Error('nothing was decoded')
        },
      },
      { rounds },
    )
    await log.close()
    ceilings.close()
    const name = `scan by batches with every record decoded, 100-byte records, batches of 1,000, ${keyed ? '16-byte keys that differ' : 'null keys'}, ${checksumBuild}, reused memory`
    return { name, reached: ratio(times.ceiling, times.scan), bar: SCAN_BAR }
  })
}

async function fill(partition, { keys, values }) {
  for (let i = 0; i < WRITES_PER_RUN * BATCHES_PER_WRITE; i++) {
    const writer = new BatchWriter()
    for (let r = 0; r < RECORDS_PER_BATCH; r++) writer.add(keys[r], values[r], BASE_TIMESTAMP)
    await partition.append(writer.finish())
  }
  return partition
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const keyed of [false, true]) {
    const { name, reached, bar } = await measureScan({ keyed })
    console.log(`${reached.toFixed(2)} (bar ${bar}) ${name}`)
  }
}
