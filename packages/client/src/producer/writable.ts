import { Writable } from 'node:stream'
import type { Producer, RecordInput } from '../api.ts'

/** Records that may wait in the stream before it says stop; as many go in one `sendBatch`. */
const RECORDS_MAX = 1000

/** A stream of records into one topic: what it finishes with is acknowledged, and the first failure destroys it. */
export function recordWriter<K, V>(producer: Pick<Producer<K, V>, 'sendBatch'>, topic: string): Writable {
  const send = (records: RecordInput<K, V>[], callback: (error?: Error | null) => void): void => {
    producer.sendBatch(topic, records).then(
      () => callback(),
      (error: unknown) => callback(error as Error),
    )
  }
  return new Writable({
    objectMode: true,
    highWaterMark: RECORDS_MAX,
    write: (chunk: unknown, _encoding, callback) => send([recordOf(chunk)], callback),
    writev: (chunks, callback) =>
      send(
        chunks.map(({ chunk }) => recordOf<K, V>(chunk)),
        callback,
      ),
  })
}

/** Texts and bytes are values of their own; anything else is a record. */
function recordOf<K, V>(chunk: unknown): RecordInput<K, V> {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return { value: chunk as V }
  return chunk as RecordInput<K, V>
}
