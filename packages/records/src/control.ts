import { VarveError } from '@varve/platform'
import { ControlReader, ControlWriter } from './control-bytes.ts'

/*
 * Control records: what brokers and controllers write into a log for themselves. Key: int16 version 0, int16 type. Value: an
 * int16 version and the fields, flexible except in the transaction markers. Source: apache/kafka,
 * org.apache.kafka.common.record.ControlRecordType and clients/src/main/resources/common/message/*.json.
 */

/** The types that Kafka 4.3 writes, by their numbers. */
export const CONTROL_TYPES = {
  0: 'abort',
  1: 'commit',
  2: 'leaderChange',
  3: 'snapshotHeader',
  4: 'snapshotFooter',
  5: 'kraftVersion',
  6: 'kraftVoters',
} as const

export type ControlType = (typeof CONTROL_TYPES)[keyof typeof CONTROL_TYPES]

/** A voter of a leader change. Directory ids are 16 bytes in base64url, as Kafka prints them. */
export interface ControlVoter {
  voterId: number
  /** From version 1 of the message on. */
  voterDirectoryId?: string
}

/** A member of a dynamic quorum. */
export interface KraftVoter {
  voterId: number
  voterDirectoryId: string
  endpoints: { name: string; host: string; port: number }[]
  kraftVersionFeature: { minSupportedVersion: number; maxSupportedVersion: number }
}

/** A control record, decoded. */
export type ControlRecord =
  | { type: 'abort' | 'commit'; version: number; coordinatorEpoch: number }
  | {
      type: 'leaderChange'
      version: number
      leaderId: number
      voters: ControlVoter[]
      grantingVoters: ControlVoter[]
    }
  | { type: 'snapshotHeader'; version: number; lastContainedLogTimestamp: number }
  | { type: 'snapshotFooter'; version: number }
  | { type: 'kraftVersion'; version: number; kraftVersion: number }
  | { type: 'kraftVoters'; version: number; voters: KraftVoter[] }
  | { type: 'unknown'; typeNumber: number; value: Buffer | null }

/** The number of a control record's type, from its key alone: enough to tell a commit from an abort. */
export function controlTypeOf(key: Buffer | null): number {
  if (key !== null && key.length >= 4 && key.readInt16BE(0) >= 0) return key.readInt16BE(2)
  throw new VarveError(
    'CORRUPT_MESSAGE',
    'A control record has no key of a version and a type, so it is damaged.',
    {
      context: { field: 'key', found: key?.toString('hex') },
    },
  )
}

/**
 * Decodes a control record. Types that Kafka may add later are `unknown`, not an error.
 *
 * @throws `CORRUPT_MESSAGE`
 */
export function readControlRecord(key: Buffer | null, value: Buffer | null): ControlRecord {
  const typeNumber = controlTypeOf(key)
  const type = (CONTROL_TYPES as Record<number, ControlType | undefined>)[typeNumber]
  if (type === undefined || value === null) return { type: 'unknown', typeNumber, value }
  const reader = new ControlReader(value)
  const version = reader.int16()
  const record = readBody(type, version, reader)
  if (type !== 'abort' && type !== 'commit') reader.skipTags()
  return record
}

function readBody(type: ControlType, version: number, reader: ControlReader): ControlRecord {
  switch (type) {
    case 'abort':
    case 'commit':
      return { type, version, coordinatorEpoch: reader.int32() }
    case 'leaderChange':
      return {
        type,
        version,
        leaderId: reader.int32(),
        voters: reader.array(5, () => readVoter(reader, version)),
        grantingVoters: reader.array(5, () => readVoter(reader, version)),
      }
    case 'snapshotHeader':
      return { type, version, lastContainedLogTimestamp: reader.int64() }
    case 'snapshotFooter':
      return { type, version }
    case 'kraftVersion':
      return { type, version, kraftVersion: reader.int16() }
    case 'kraftVoters':
      return { type, version, voters: reader.array(26, () => readKraftVoter(reader)) }
  }
}

function readVoter(reader: ControlReader, version: number): ControlVoter {
  const voter: ControlVoter = { voterId: reader.int32() }
  if (version >= 1) voter.voterDirectoryId = reader.uuid()
  reader.skipTags()
  return voter
}

function readKraftVoter(reader: ControlReader): KraftVoter {
  const voterId = reader.int32()
  const voterDirectoryId = reader.uuid()
  const endpoints = reader.array(5, () => {
    const endpoint = { name: reader.string(), host: reader.string(), port: reader.uint16() }
    reader.skipTags()
    return endpoint
  })
  const kraftVersionFeature = { minSupportedVersion: reader.int16(), maxSupportedVersion: reader.int16() }
  reader.skipTags()
  reader.skipTags()
  return { voterId, voterDirectoryId, endpoints, kraftVersionFeature }
}

/** Encodes a control record: what goes into `BatchWriter.add`, with `control` set on the batch. */
export function writeControlRecord(record: ControlRecord): { key: Buffer; value: Buffer | null } {
  if (record.type === 'unknown') return { key: controlKey(record.typeNumber), value: record.value }
  const writer = new ControlWriter()
  writer.int16(record.version)
  writeBody(record, writer)
  const typeNumber = Object.values(CONTROL_TYPES).indexOf(record.type)
  if (record.type !== 'abort' && record.type !== 'commit') writer.noTags()
  return { key: controlKey(typeNumber), value: writer.finish() }
}

function controlKey(type: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  return key
}

function writeBody(record: Exclude<ControlRecord, { type: 'unknown' }>, writer: ControlWriter): void {
  switch (record.type) {
    case 'abort':
    case 'commit':
      writer.int32(record.coordinatorEpoch)
      return
    case 'leaderChange':
      writer.int32(record.leaderId)
      for (const voters of [record.voters, record.grantingVoters]) {
        writer.array(voters, voter => {
          writer.int32(voter.voterId)
          if (record.version >= 1) writer.uuid(voter.voterDirectoryId)
          writer.noTags()
        })
      }
      return
    case 'snapshotHeader':
      writer.int64(record.lastContainedLogTimestamp)
      return
    case 'snapshotFooter':
      return
    case 'kraftVersion':
      writer.int16(record.kraftVersion)
      return
    case 'kraftVoters':
      writer.array(record.voters, voter => writeKraftVoter(voter, writer))
  }
}

function writeKraftVoter(voter: KraftVoter, writer: ControlWriter): void {
  writer.int32(voter.voterId)
  writer.uuid(voter.voterDirectoryId)
  writer.array(voter.endpoints, endpoint => {
    writer.string(endpoint.name)
    writer.string(endpoint.host)
    writer.int16(endpoint.port)
    writer.noTags()
  })
  writer.int16(voter.kraftVersionFeature.minSupportedVersion)
  writer.int16(voter.kraftVersionFeature.maxSupportedVersion)
  writer.noTags()
  writer.noTags()
}
