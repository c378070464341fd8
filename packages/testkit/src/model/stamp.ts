import {
  BatchReader,
  BatchWriter,
  checkBatch,
  controlTypeOf,
  isControl,
  isTransactional,
  readAttributes,
  readBatchSize,
  readProducerId,
  writeControlRecord,
} from '@varve/records'
import { PropertyFailure } from './property.ts'

/** What stands in the first bytes of every value: which partition, which batch, which record of how many. */
export interface Stamp {
  /** The number of the partition's incarnation: a partition that was deleted and made anew has another. */
  readonly uid: number
  readonly seq: number
  readonly index: number
  readonly count: number
}

/** Who sends a batch; `id` -1: nobody in particular. */
export interface Sender {
  readonly id: number
  readonly epoch: number
  readonly sequence: number
  readonly transactional: boolean
}

export type Marker = 'commit' | 'abort'

const STAMP_BYTES = 16

/** A record as it lies in a log; `seq` is -1 for a marker, which has no stamp. */
export interface Found extends Stamp {
  readonly offset: number
  readonly timestamp: number
  readonly producerId: number
  readonly transactional: boolean
  readonly marker: Marker | undefined
}

/** A batch of `count` records; their values are filled with bytes that follow from the stamp. */
export function stampedBatch(
  { uid, seq, count }: Omit<Stamp, 'index'>,
  options: { timestamp: number; padding: number; sender?: Sender },
): Buffer {
  const writer = new BatchWriter()
  if (options.sender !== undefined) sentBy(writer, options.sender)
  for (let index = 0; index < count; index++) {
    const value = Buffer.alloc(STAMP_BYTES + options.padding, seq & 255)
    value.writeUInt32BE(uid, 0)
    value.writeUInt32BE(seq, 4)
    value.writeUInt16BE(index, 8)
    value.writeUInt16BE(count, 10)
    value.writeUInt32BE(options.padding, 12)
    writer.add(null, value, options.timestamp)
  }
  return writer.finish()
}

/** The control batch that ends a transaction, as a coordinator writes it. */
export function markerBatch(
  marker: Marker,
  options: {
    readonly timestamp: number
    readonly producerId: number
    readonly producerEpoch: number
    readonly coordinatorEpoch?: number
  },
): Buffer {
  const writer = new BatchWriter()
  sentBy(writer, {
    id: options.producerId,
    epoch: options.producerEpoch,
    sequence: -1,
    transactional: true,
  })
  writer.control = true
  const { coordinatorEpoch = 0 } = options
  const { key, value } = writeControlRecord({ type: marker, version: 0, coordinatorEpoch })
  writer.add(key, value, options.timestamp)
  return writer.finish()
}

function sentBy(writer: BatchWriter, { id, epoch, sequence, transactional }: Sender): void {
  writer.producerId = id
  writer.producerEpoch = epoch
  writer.baseSequence = sequence
  writer.transactional = transactional
}

const reader = new BatchReader()

/** All records of whole batches, each checked by itself: checksum, stamp, filling. */
export function stampsIn(bytes: Buffer): Found[] {
  const found: Found[] = []
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
    checkBatch(bytes, at, bytes.length)
    const attributes = readAttributes(bytes, at)
    const of = {
      producerId: readProducerId(bytes, at),
      transactional: isTransactional(attributes),
      control: isControl(attributes),
    }
    reader.open(bytes, at)
    while (reader.advance()) found.push(of.control ? markerOf(reader, of) : stampOf(reader, of))
  }
  return found
}

interface Origin {
  readonly producerId: number
  readonly transactional: boolean
}

function markerOf({ offset, timestamp, key }: BatchReader, { producerId, transactional }: Origin): Found {
  const marker = controlTypeOf(key) === 1 ? 'commit' : 'abort'
  return { offset, timestamp, producerId, transactional, marker, uid: -1, seq: -1, index: 0, count: 1 }
}

function stampOf({ offset, timestamp, value }: BatchReader, { producerId, transactional }: Origin): Found {
  if (value === null || value.length < STAMP_BYTES) {
    throw new PropertyFailure(`The record at offset ${offset} was never sent: it has no stamp.`)
  }
  const seq = value.readUInt32BE(4)
  const sound = value.readUInt32BE(12) === value.length - STAMP_BYTES
  if (!sound || (value.length > STAMP_BYTES && value[value.length - 1] !== (seq & 255))) {
    throw new PropertyFailure(`The record at offset ${offset} has other bytes than were sent.`)
  }
  return {
    offset,
    timestamp,
    producerId,
    transactional,
    marker: undefined,
    uid: value.readUInt32BE(0),
    seq,
    index: value.readUInt16BE(8),
    count: value.readUInt16BE(10),
  }
}
