/*
 * What a log knows of one producer id. Source: apache/kafka, org.apache.kafka.storage.internals.log.ProducerStateEntry
 * and BatchMetadata.
 */

/** How many of a producer's last batches are known again when they are sent twice. */
const BATCHES_RETAINED = 5
/** Sequences go on with 0 behind 2^31 - 1. */
const SEQUENCES = 0x8000_0000

/** One of a producer's last batches. */
export interface ProducerBatch {
  /** -1 where a coordinator wrote it. */
  readonly lastSequence: number
  readonly lastOffset: number
  /** Last offset less first offset, and last sequence less first sequence. */
  readonly offsetDelta: number
  /** The largest timestamp of its records. */
  readonly timestamp: number
}

/** The entry of a producer id. It never changes: each append makes the next one, so that one can go back. */
export interface ProducerStateEntry {
  readonly producerId: number
  /** -1 before the first batch. */
  readonly producerEpoch: number
  /** Of the coordinator that ended the last transaction, -1 without. */
  readonly coordinatorEpoch: number
  /** Of the last batch or marker, -1 without. */
  readonly lastTimestamp: number
  /** Where the ongoing transaction starts, -1 without. */
  readonly currentTxnFirstOffset: number
  /** The oldest first, all of this epoch. */
  readonly batches: readonly ProducerBatch[]
  /** When this process saw the producer last, by a clock that never jumps. */
  readonly seenAt: number
}

const NO_BATCHES: readonly ProducerBatch[] = []

export function emptyEntry(producerId: number): ProducerStateEntry {
  return {
    producerId,
    producerEpoch: -1,
    coordinatorEpoch: -1,
    lastTimestamp: -1,
    currentTxnFirstOffset: -1,
    batches: NO_BATCHES,
    seenAt: 0,
  }
}

/** The entry behind a batch of data. A batch of a transaction begins one where none is ongoing. */
export function withBatch(
  entry: ProducerStateEntry,
  batch: ProducerBatch,
  { epoch, transactional, seenAt }: { epoch: number; transactional: boolean; seenAt: number },
): ProducerStateEntry {
  const kept = epoch === entry.producerEpoch ? entry.batches : NO_BATCHES
  const begins = transactional && entry.currentTxnFirstOffset < 0
  return {
    producerId: entry.producerId,
    producerEpoch: epoch,
    coordinatorEpoch: entry.coordinatorEpoch,
    lastTimestamp: batch.timestamp,
    currentTxnFirstOffset: begins ? batch.lastOffset - batch.offsetDelta : entry.currentTxnFirstOffset,
    batches: [...(kept.length < BATCHES_RETAINED ? kept : kept.slice(1)), batch],
    seenAt,
  }
}

/** The entry behind a marker, which ends the transaction that is ongoing. */
export function withMarker(
  entry: ProducerStateEntry,
  marker: { epoch: number; coordinatorEpoch: number; timestamp: number; seenAt: number },
): ProducerStateEntry {
  return {
    producerId: entry.producerId,
    producerEpoch: marker.epoch,
    coordinatorEpoch: marker.coordinatorEpoch,
    lastTimestamp: marker.timestamp,
    currentTxnFirstOffset: -1,
    batches: marker.epoch === entry.producerEpoch ? entry.batches : NO_BATCHES,
    seenAt: marker.seenAt,
  }
}

function firstSequenceOf({ lastSequence, offsetDelta }: ProducerBatch): number {
  return lastSequence < 0 ? -1 : (lastSequence - offsetDelta + SEQUENCES) % SEQUENCES
}

/** The last sequence of the producer's epoch, -1 where none is known. */
export function lastSequenceOf(entry: ProducerStateEntry): number {
  return entry.batches.at(-1)?.lastSequence ?? -1
}

/** The one of the last batches that has exactly these sequences. */
export function duplicateIn(
  entry: ProducerStateEntry,
  sent: { epoch: number; firstSequence: number; lastSequence: number },
): ProducerBatch | undefined {
  if (sent.epoch !== entry.producerEpoch) return undefined
  return entry.batches.find(
    batch => batch.lastSequence === sent.lastSequence && firstSequenceOf(batch) === sent.firstSequence,
  )
}

export function isNextSequence(last: number, next: number): boolean {
  return next === (last + 1) % SEQUENCES
}
