import { BatchReader, BatchWriter, checkBatch, readBatchSize } from '@varve/records'
import { PropertyFailure } from '../failure.ts'

/** What stands in the first bytes of every value: which partition, which batch, which record of how many. */
export interface Stamp {
  /** The number of the partition's incarnation: a partition that was deleted and made anew has another. */
  readonly uid: number
  readonly seq: number
  readonly index: number
  readonly count: number
}

const STAMP_BYTES = 16

/** A record as it lies in a log. */
export interface Found extends Stamp {
  readonly offset: number
  readonly timestamp: number
}

/** A batch of `count` records; their values are filled with bytes that follow from the stamp. */
export function stampedBatch(
  { uid, seq, count }: Omit<Stamp, 'index'>,
  options: { timestamp: number; padding: number },
): Buffer {
  const writer = new BatchWriter()
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

const reader = new BatchReader()

/** All records of whole batches, each checked by itself: checksum, stamp, filling. */
export function stampsIn(bytes: Buffer): Found[] {
  const found: Found[] = []
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
    checkBatch(bytes, at, bytes.length)
    reader.open(bytes, at)
    while (reader.advance()) found.push(stampOf(reader))
  }
  return found
}

function stampOf({ offset, timestamp, value }: BatchReader): Found {
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
    uid: value.readUInt32BE(0),
    seq,
    index: value.readUInt16BE(8),
    count: value.readUInt16BE(10),
  }
}
