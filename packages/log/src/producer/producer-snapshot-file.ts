import { crc32c } from '@varve/records'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { lastSequenceOf, type ProducerStateEntry } from './producer-state-entry.ts'

/*
 * `<offset>.snapshot`: what the log knew of its producers at that offset. int16 version 1, uint32 CRC-32C of everything
 * from byte 6 on, int32 count, then for each producer:
 *
 *    0  producer id               int64
 *    8  epoch                     int16
 *   10  last sequence             int32   -1 without batches in this epoch
 *   14  last offset               int64   -1 likewise
 *   22  offset delta              int32   of the last batch, 0 likewise
 *   26  timestamp                 int64
 *   34  coordinator epoch         int32
 *   38  current txn first offset  int64   -1 without
 *
 * Of a producer's last batches only the newest is kept. Source: apache/kafka,
 * org.apache.kafka.storage.internals.log.ProducerStateManager.
 */

const VERSION = 1
const CRC_AT = 2
const CRC_FROM = 6
const HEADER_SIZE = 10
const ENTRY_SIZE = 46

export function formatSnapshot(entries: readonly ProducerStateEntry[]): Buffer {
  const kept = plantedBugs.sequenceLostInSnapshot ? entries.slice(0, -1) : entries
  const bytes = Buffer.alloc(HEADER_SIZE + kept.length * ENTRY_SIZE)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(kept.length, 6)
  for (const [index, entry] of kept.entries()) {
    const at = HEADER_SIZE + index * ENTRY_SIZE
    const last = entry.batches.at(-1)
    bytes.writeBigInt64BE(BigInt(entry.producerId), at)
    bytes.writeInt16BE(entry.producerEpoch, at + 8)
    bytes.writeInt32BE(lastSequenceOf(entry), at + 10)
    bytes.writeBigInt64BE(BigInt(last?.lastOffset ?? -1), at + 14)
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    bytes.writeBigInt64BE(BigInt(entry.lastTimestamp), at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    bytes.writeBigInt64BE(BigInt(entry.currentTxnFirstOffset), at + 38)
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT)
  return bytes
}

/**
 * The entries of a snapshot for `offset`; undefined where they cannot be true.
 *
 * @param seenAt when these producers count as seen: time while the log was closed is nobody's fault
 */
export function parseSnapshot(
  bytes: Buffer,
  { offset, seenAt }: { offset: number; seenAt: number },
): ProducerStateEntry[] | undefined {
  if (bytes.length < HEADER_SIZE || bytes.readInt16BE(0) !== VERSION) return undefined
  const count = bytes.readInt32BE(6)
  if (count < 0 || bytes.length !== HEADER_SIZE + count * ENTRY_SIZE) return undefined
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(CRC_FROM))) return undefined
  const entries = new Map<number, ProducerStateEntry>()
  for (let at = HEADER_SIZE; at < bytes.length; at += ENTRY_SIZE) {
    const entry = readEntry(bytes, at, seenAt)
    const { producerId, currentTxnFirstOffset } = entry
    const lastOffset = entry.batches[0]?.lastOffset ?? -1
    // Whatever a snapshot tells of happened before its offset.
    if (producerId < 0 || lastOffset >= offset || currentTxnFirstOffset >= offset) return undefined
    entries.set(producerId, entry)
  }
  return entries.size === count ? [...entries.values()] : undefined
}

function readEntry(bytes: Buffer, at: number, seenAt: number): ProducerStateEntry {
  const lastTimestamp = Number(bytes.readBigInt64BE(at + 26))
  const lastOffset = Number(bytes.readBigInt64BE(at + 14))
  const batch = {
    lastSequence: bytes.readInt32BE(at + 10),
    lastOffset,
    offsetDelta: bytes.readInt32BE(at + 22),
    timestamp: lastTimestamp,
  }
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    producerEpoch: bytes.readInt16BE(at + 8),
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    lastTimestamp,
    currentTxnFirstOffset: Math.max(-1, Number(bytes.readBigInt64BE(at + 38))),
    batches: lastOffset >= 0 ? [batch] : [],
    seenAt,
  }
}
