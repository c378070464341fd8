import { BatchReader, type CodecName } from '@varve/records'
import { ProducerBatch } from './producer-batch.ts'

/**
 * The records of a batch that the broker found too large, in two batches of half the bytes each. They keep their order,
 * their timestamps and those who wait for them.
 */
export function splitBatch(batch: ProducerBatch, codec: CodecName): ProducerBatch[] {
  const bytesMax = Math.max(1, Math.ceil(batch.size / 2))
  const parts: ProducerBatch[] = []
  const reader = BatchReader.of(batch.encode())
  const half = Math.ceil(batch.count / 2)
  let part: ProducerBatch | undefined
  for (let index = 0; reader.advance(); index++) {
    const waiter = batch.waiter(index)
    if (waiter === undefined) continue
    const headers = reader.headers
    // By count too: halves of few large records could come out as large as the whole was.
    const full = part === undefined || part.count >= half
    if (
      full ||
      part?.add(reader.key, reader.value, headers, reader.createTimestamp, waiter.sink, waiter.slot) !== true
    ) {
      part = new ProducerBatch({
        topic: batch.topic,
        partition: batch.partition,
        codec,
        bytesMax,
        createdAt: batch.createdAt,
        firstNumber: batch.firstNumber,
      })
      parts.push(part)
      part.add(reader.key, reader.value, headers, reader.createTimestamp, waiter.sink, waiter.slot)
    }
  }
  batch.abandon()
  return parts
}
