import { lastSequenceOf } from '../producer/producer-state-entry.ts'
import { parseSnapshot } from '../producer/producer-snapshot-file.ts'

/** More producers than that have never been in one partition. */
export const SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024

/** What a snapshot says of one producer. */
export interface ProducerEntry {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnFirstOffset: number
}

/** The entries of the snapshot for `offset`, or why it is none. */
export function readSnapshot(bytes: Buffer, offset: number): ProducerEntry[] | string {
  const entries = parseSnapshot(bytes, { offset, seenAt: 0 })
  if (entries === undefined) return 'its checksum does not hold, or what it says cannot be true'
  return entries.map(entry => {
    const last = entry.batches.at(-1)
    return {
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: lastSequenceOf(entry),
      lastOffset: last?.lastOffset ?? -1,
      offsetDelta: last?.offsetDelta ?? 0,
      timestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: entry.currentTxnFirstOffset,
    }
  })
}
