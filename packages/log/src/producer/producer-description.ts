import { lastSequenceOf, type ProducerStateEntry } from './producer-state-entry.ts'

/** What the log knows of a producer id. Numbers are -1 where there is nothing to tell. */
export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  /** Of the last batch of this epoch. */
  readonly lastOffset: number
  /** Milliseconds since the epoch, as the last batch or marker says. */
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** Where the ongoing transaction starts. */
  readonly currentTxnFirstOffset: number
}

export function describeProducer(entry: ProducerStateEntry): ProducerDescription {
  const { producerId, producerEpoch, lastTimestamp, coordinatorEpoch, currentTxnFirstOffset, batches } = entry
  return {
    producerId,
    producerEpoch,
    lastSequence: lastSequenceOf(entry),
    lastOffset: batches.at(-1)?.lastOffset ?? -1,
    lastTimestamp,
    coordinatorEpoch,
    currentTxnFirstOffset,
  }
}
