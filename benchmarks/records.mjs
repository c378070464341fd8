// BatchWriter and BatchReader against the plain loops of the ceilings, in memory alone.
import { fileURLToPath } from 'node:url'
import { BatchReader, BatchWriter, checkBatch } from '@varve/records'
import { decodeBatch, encodeBatch } from './ceilings/encode.mjs'
import { ratio, timeInTurn } from './lib/compare.mjs'
import { BASE_TIMESTAMP, makeRecords, RECORDS_PER_BATCH } from './lib/workload.mjs'

const BATCHES = 48

export async function measureRecords({ keyed, rounds = 15 }) {
  const records = makeRecords({ keyed })
  const { keys, values } = records
  const room = Buffer.allocUnsafeSlow(256 * 1024)
  const memory = Buffer.allocUnsafeSlow(256 * 1024)
  const writer = new BatchWriter({ memory })
  const reader = new BatchReader()
  const size = encodeBatch(room, 0, records, 0)
  const source = Buffer.from(room.subarray(0, size))
  const times = await timeInTurn(
    {
      plainEncode() {
        for (let b = 0; b < BATCHES; b++) encodeBatch(room, 0, records, b * RECORDS_PER_BATCH)
      },
      encode() {
        for (let b = 0; b < BATCHES; b++) {
          writer.reset(memory)
          for (let i = 0; i < RECORDS_PER_BATCH; i++) writer.add(keys[i], values[i], BASE_TIMESTAMP)
          writer.finish()
        }
      },
      plainDecode() {
        for (let b = 0; b < BATCHES; b++) decodeBatch(source, 0)
      },
      decode() {
        let seen = 0
        for (let b = 0; b < BATCHES; b++) {
          checkBatch(source, 0, source.length)
          reader.open(source, 0)
          while (reader.advance()) seen += reader.offsetDelta + reader.valueSize
        }
        if (seen === 0) throw new Error('nothing was decoded')
      },
    },
    { rounds },
  )
  const label = keyed ? '16-byte keys' : 'null keys'
  return [
    { name: `encode + checksum in memory (${label})`, reached: ratio(times.plainEncode, times.encode) },
    { name: `checksum + decode in memory (${label})`, reached: ratio(times.plainDecode, times.decode) },
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const keyed of [false, true]) {
    for (const { name, reached } of await measureRecords({ keyed }))
      console.log(`${reached.toFixed(2)} ${name}`)
  }
}
