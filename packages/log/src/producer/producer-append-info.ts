import { isVarveError, VarveError } from '@varve/platform'
import {
  BATCH_HEADER_SIZE,
  isControl,
  isTransactional,
  readAttributes,
  readBaseSequence,
  readBatchSize,
  readLastOffsetDelta,
  readLastSequence,
  readMaxTimestamp,
  readProducerEpoch,
  readProducerId,
} from '@varve/records'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { readEndTxnMarker, type EndTxnMarker } from './end-txn-marker.ts'
import {
  duplicateIn,
  emptyEntry,
  isNextSequence,
  lastSequenceOf,
  withBatch,
  withMarker,
  type ProducerBatch,
  type ProducerStateEntry,
} from './producer-state-entry.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'

/** Who appends. Only a coordinator writes control batches, and what it writes has no sequences. */
export type AppendOrigin = 'client' | 'coordinator'

/** A transaction that a marker ends. */
export interface CompletedTxn {
  readonly producerId: number
  readonly firstOffset: number
  /** The marker's offset. */
  readonly lastOffset: number
  readonly aborted: boolean
}

/** What one batch changes. */
export interface ProducerUpdate {
  readonly entry: ProducerStateEntry
  /** The base sequence of the batch, -1 for a marker. */
  readonly firstSequence: number
  readonly completed: CompletedTxn | undefined
}

/** What an append changes of the producers, batch by batch. */
export type ProducerUpdates = readonly ProducerUpdate[]

/** The append is in the log already, or on its way there. */
export interface DuplicateAppend {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Of the original. */
  readonly timestamp: number
}

export interface AppendAnalysis {
  readonly of: TopicPartition
  readonly producers: ProducerStateManager
  /** The offset that the append's first record would get. */
  readonly baseOffset: number
  /** The time all records get, -1 where they keep their own. */
  readonly logAppendTime: number
  readonly origin: AppendOrigin
  /** Of the clock that never jumps. */
  readonly seenAt: number
}

/** Whether any of the batches is a producer's or a coordinator's. */
export function involvesProducers(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at))
    if (readProducerId(bytes, at) >= 0 || isControl(readAttributes(bytes, at))) return true
  return false
}

/**
 * Compares the batches of producers with what is known of them, as Kafka does before it appends
 * (UnifiedLog.analyzeAndValidateProducerState, ProducerAppendInfo). Changes nothing.
 *
 * @returns undefined where no producer takes part
 * @throws `OUT_OF_ORDER_SEQUENCE_NUMBER`, `INVALID_PRODUCER_EPOCH`, `TRANSACTION_COORDINATOR_FENCED`,
 *   `INVALID_TXN_STATE`, `INVALID_RECORD`
 */
export function analyzeProducers(
  bytes: Buffer,
  analysis: AppendAnalysis,
): ProducerUpdates | DuplicateAppend | undefined {
  let info: ProducerAppendInfo | undefined
  let offset = analysis.baseOffset
  let batches = 0
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
    if (readProducerId(bytes, at) >= 0 || isControl(readAttributes(bytes, at))) {
      info ??= new ProducerAppendInfo(bytes, analysis)
      info.add(at, offset)
    }
    offset += readLastOffsetDelta(bytes, at) + 1
    batches++
  }
  return info?.result(batches)
}

export function isDuplicate(analyzed: ProducerUpdates | DuplicateAppend): analyzed is DuplicateAppend {
  return 'baseOffset' in analyzed
}

/** An append was refused for a reason that may pass: what its producer sent behind it must not come before it. */
export function noteRefused(bytes: Buffer, producers: ProducerStateManager): void {
  if (bytes.length < BATCH_HEADER_SIZE) return
  const producerId = readProducerId(bytes, 0)
  if (producerId >= 0) producers.refused(producerId, readProducerEpoch(bytes, 0), readBaseSequence(bytes, 0))
}

class ProducerAppendInfo {
  readonly #bytes: Buffer
  readonly #analysis: AppendAnalysis
  readonly #updates: ProducerUpdate[] = []
  readonly #duplicates: ProducerBatch[] = []
  /** The entries as the batches before left them. */
  readonly #entries = new Map<number, ProducerStateEntry>()

  constructor(bytes: Buffer, analysis: AppendAnalysis) {
    this.#bytes = bytes
    this.#analysis = analysis
  }

  add(at: number, offset: number): void {
    const { origin, producers } = this.#analysis
    const bytes = this.#bytes
    const control = isControl(readAttributes(bytes, at))
    const producerId = readProducerId(bytes, at)
    if (control && origin === 'client')
      throw this.#error('INVALID_RECORD', 'holds a control batch; those come from brokers only', producerId)
    // What coordinators write about anything but transactions.
    if (producerId < 0) return
    const known = producers.entryOf(producerId)
    const entry = this.#entries.get(producerId) ?? known ?? emptyEntry(producerId)
    let update: ProducerUpdate | undefined
    if (control) update = this.#marker(entry, at, offset)
    else {
      const duplicate = origin === 'client' ? this.#duplicateIn(known, at) : undefined
      if (duplicate !== undefined && !plantedBugs.duplicateGivenNewOffset) {
        this.#duplicates.push(duplicate)
        return
      }
      update = this.#data(entry, at, offset, duplicate !== undefined)
    }
    if (update === undefined) return
    this.#entries.set(producerId, update.entry)
    this.#updates.push(update)
  }

  /** A batch that was sent again must not take others with it: neither lost nor doubled, they are refused. */
  result(batches: number): ProducerUpdates | DuplicateAppend | undefined {
    const first = this.#duplicates[0]
    const last = this.#duplicates.at(-1)
    if (first === undefined || last === undefined) return this.#updates.length > 0 ? this.#updates : undefined
    if (this.#duplicates.length < batches) {
      throw this.#error(
        'INVALID_RECORD',
        'holds batches that the log has already and others; send each by itself',
      )
    }
    return {
      baseOffset: first.lastOffset - first.offsetDelta,
      lastOffset: last.lastOffset,
      timestamp: last.timestamp,
    }
  }

  #duplicateIn(known: ProducerStateEntry | undefined, at: number): ProducerBatch | undefined {
    if (known === undefined) return undefined
    const bytes = this.#bytes
    return duplicateIn(known, {
      epoch: readProducerEpoch(bytes, at),
      firstSequence: readBaseSequence(bytes, at),
      lastSequence: readLastSequence(bytes, at),
    })
  }

  #data(entry: ProducerStateEntry, at: number, offset: number, unchecked: boolean): ProducerUpdate {
    const { origin, logAppendTime, seenAt } = this.#analysis
    const bytes = this.#bytes
    const { producerId } = entry
    const epoch = readProducerEpoch(bytes, at)
    const firstSequence = readBaseSequence(bytes, at)
    this.#checkEpoch(entry, epoch)
    if (origin === 'client' && !unchecked) this.#checkSequence(entry, epoch, firstSequence)
    const transactional = isTransactional(readAttributes(bytes, at))
    if (!transactional && entry.currentTxnFirstOffset >= 0) {
      throw this.#error(
        'INVALID_TXN_STATE',
        `holds a batch outside of the transaction that is ongoing from offset ${entry.currentTxnFirstOffset} on`,
        producerId,
      )
    }
    const offsetDelta = readLastOffsetDelta(bytes, at)
    const batch: ProducerBatch = {
      lastSequence: readLastSequence(bytes, at),
      lastOffset: offset + offsetDelta,
      offsetDelta,
      timestamp: logAppendTime >= 0 ? logAppendTime : readMaxTimestamp(bytes, at),
    }
    return {
      entry: withBatch(entry, batch, { epoch, transactional, seenAt }),
      firstSequence,
      completed: undefined,
    }
  }

  #marker(entry: ProducerStateEntry, at: number, offset: number): ProducerUpdate | undefined {
    const { producerId } = entry
    const marker = this.#readMarker(at, producerId)
    const epoch = readProducerEpoch(this.#bytes, at)
    this.#checkEpoch(entry, epoch)
    const { coordinatorEpoch } = marker
    if (coordinatorEpoch < entry.coordinatorEpoch) {
      throw this.#error(
        'TRANSACTION_COORDINATOR_FENCED',
        `comes from a coordinator of epoch ${coordinatorEpoch}, but one of epoch ${entry.coordinatorEpoch} has written since`,
        producerId,
        { wanted: entry.coordinatorEpoch, found: coordinatorEpoch },
      )
    }
    const { logAppendTime, seenAt } = this.#analysis
    const timestamp = logAppendTime >= 0 ? logAppendTime : marker.timestamp
    const firstOffset = entry.currentTxnFirstOffset
    return {
      entry: withMarker(entry, { epoch, coordinatorEpoch, timestamp, seenAt }),
      firstSequence: -1,
      // A marker without data before it changes nothing that readers see.
      completed:
        firstOffset < 0
          ? undefined
          : { producerId, firstOffset, lastOffset: offset, aborted: marker.aborted },
    }
  }

  #readMarker(at: number, producerId: number): EndTxnMarker {
    let cause: unknown
    try {
      const marker = readEndTxnMarker(this.#bytes, at)
      if (marker !== undefined) return marker
    } catch (error) {
      if (!isVarveError(error)) throw error
      cause = error
    }
    throw this.#error(
      'INVALID_RECORD',
      'holds a control batch that is no marker of a transaction',
      producerId,
      {},
      cause,
    )
  }

  #checkEpoch(entry: ProducerStateEntry, epoch: number): void {
    const { producerId, producerEpoch } = entry
    if (epoch < 0) throw this.#error('INVALID_RECORD', `has producer epoch ${epoch}`, producerId)
    if (epoch >= producerEpoch) return
    throw this.#error(
      'INVALID_PRODUCER_EPOCH',
      `has producer epoch ${epoch}, but epoch ${producerEpoch} has written since`,
      producerId,
      { wanted: producerEpoch, found: epoch },
    )
  }

  #checkSequence(entry: ProducerStateEntry, epoch: number, sequence: number): void {
    const { producerId, producerEpoch } = entry
    if (sequence < 0) throw this.#error('INVALID_RECORD', `has base sequence ${sequence}`, producerId)
    if (producerEpoch < 0) {
      // Nothing is known of the producer, its records may have been deleted: any sequence will do, but not one behind a
      // batch that failed.
      const failed = this.#analysis.producers.failedSequence(producerId, epoch)
      if (failed === undefined || sequence <= failed) return
      throw this.#outOfOrder(producerId, failed, sequence)
    }
    if (epoch !== producerEpoch) {
      if (sequence !== 0) throw this.#outOfOrder(producerId, 0, sequence)
      return
    }
    const last = lastSequenceOf(entry)
    if (!isNextSequence(last, sequence))
      throw this.#outOfOrder(producerId, (last + 1) % 0x8000_0000, sequence)
  }

  #outOfOrder(producerId: number, wanted: number, found: number): VarveError {
    return this.#error(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `starts at sequence ${found}, but ${wanted} is due`,
      producerId,
      { wanted, found },
    )
  }

  #error(
    code: string,
    problem: string,
    producerId = -1,
    context: { wanted?: number; found?: number } = {},
    cause?: unknown,
  ): VarveError {
    const { of } = this.#analysis
    const who = producerId < 0 ? '' : ` of producer ${producerId}`
    return new VarveError(code, `The append${who} to ${of.topic}-${of.partition} ${problem}.`, {
      context: { ...of, ...(producerId < 0 ? {} : { producerId }), ...context },
      cause,
    })
  }
}
