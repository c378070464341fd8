import { isControl, readAttributes } from '@varve/records'
import { batchOf, type BatchOptions, type RecordSketch } from './batches.ts'
import type { LogUnderTest } from './model/log-under-test.ts'

/** A batch in short: its records, its records and how they are sent, or its bytes. */
export type BatchSketch =
  readonly RecordSketch[] | (BatchOptions & { records: readonly RecordSketch[] }) | Buffer

/**
 * Appends batches, one after the other, to a log that was just opened. Control batches come from the coordinator.
 *
 *     const { log } = await logOf(openLog({ vfs }), ['a', 'b'], { records: ['c'], producerId: 9, producerEpoch: 0 })
 */
export async function logOf<Opened extends { readonly log: LogUnderTest }>(
  opening: Opened | Promise<Opened>,
  ...batches: readonly BatchSketch[]
): Promise<Opened> {
  const opened = await opening
  for (const batch of batches) {
    const bytes = bytesOf(batch)
    const control = isControl(readAttributes(bytes, 0))
    await opened.log.append(bytes, control ? { origin: 'coordinator' } : {})
  }
  return opened
}

function bytesOf(batch: BatchSketch): Buffer {
  if (Buffer.isBuffer(batch)) return batch
  return 'records' in batch ? batchOf(batch.records, batch) : batchOf(batch)
}
