import { crc32c } from '@varve/records'

/*
 * `.snapshot`: version int16 (1), CRC-32C of everything behind it, the number of entries int32, then entries of 46
 * bytes: producer id int64, epoch int16, last sequence int32, last offset int64, offset delta int32, timestamp int64,
 * coordinator epoch int32, first offset of the ongoing transaction int64 (-1 for none).
 * Source: apache/kafka, org.apache.kafka.storage.internals.log.ProducerStateManager.
 */

const HEADER_SIZE = 10
const ENTRY_SIZE = 46
/** More producers than that have never been in one partition. */
export const SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024

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

/** The entries of a snapshot, or why it is none. */
export function parseSnapshot(bytes: Buffer): ProducerEntry[] | string {
  if (bytes.length < HEADER_SIZE) return `it has ${bytes.length} bytes, fewer than its header`
  const version = bytes.readInt16BE(0)
  if (version !== 1) return `its version is ${version}, not 1`
  const count = bytes.readInt32BE(6)
  const wanted = bytes.readUInt32BE(2)
  const found = crc32c(bytes.subarray(6))
  if (wanted !== found) return `its checksum is ${hex(found)}, but it says ${hex(wanted)}`
  if (count < 0 || HEADER_SIZE + count * ENTRY_SIZE !== bytes.length)
    return `it says ${count} entries, which do not fit its ${bytes.length} bytes`
  return Array.from({ length: count }, (_, index) => entryAt(bytes, HEADER_SIZE + index * ENTRY_SIZE))
}

function entryAt(bytes: Buffer, at: number): ProducerEntry {
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    producerEpoch: bytes.readInt16BE(at + 8),
    lastSequence: bytes.readInt32BE(at + 10),
    lastOffset: Number(bytes.readBigInt64BE(at + 14)),
    offsetDelta: bytes.readInt32BE(at + 22),
    timestamp: Number(bytes.readBigInt64BE(at + 26)),
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    currentTxnFirstOffset: Number(bytes.readBigInt64BE(at + 38)),
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
