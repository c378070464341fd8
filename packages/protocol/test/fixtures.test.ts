import { readdirSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import {
  readAssignment,
  readSubscription,
  writeAssignment,
  writeSubscription,
} from '../src/consumer-protocol.ts'
import {
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../src/generated/control-records.ts'
import { readGroupRecord, writeGroupRecord } from '../src/group-record.ts'
import { decode, encode } from '../src/message.ts'
import { readMetadataRecord, writeMetadataRecord } from '../src/metadata-record.ts'
import type { MessageSchema } from '../src/schema.ts'
import { readTransactionRecord, writeTransactionRecord } from '../src/transaction-record.ts'
import { recordsOf, type TestRecord } from './support/batches.ts'
import { fixtureUrl, readExpected, readFixture } from './support/files.ts'

interface MetadataLine {
  file?: string
  offset: number
  record: { type: string; version: number; data: Record<string, unknown> }
}

interface CoordinatorLine {
  partition: number
  offset: number
  key: { type: string; data: unknown }
  value: { version: string; data: Record<string, unknown> } | null
}

/** `TopicRecord` as the dump tool says it: `TOPIC_RECORD`. */
const dumpName = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()

/** Bytes as the dump prints them. */
function printable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => {
      if (typeof each === 'bigint') return Number(each)
      const isBytes =
        typeof each === 'object' &&
        each !== null &&
        'data' in each &&
        'type' in each &&
        each.type === 'Buffer'
      return isBytes ? Buffer.from(each.data as number[]).toString('base64') : each
    }),
  )
}

/** Collects what differs, so that one assertion stands for thousands of records. */
class Differences {
  readonly found: string[] = []
  compared = 0

  same(found: unknown, wanted: unknown, where: string): void {
    this.compared++
    if (!isDeepStrictEqual(found, wanted)) {
      this.found.push(
        `${where}: ${JSON.stringify(printable(found))} instead of ${JSON.stringify(printable(wanted))}`,
      )
    }
  }

  /** The dump leaves out what a version lacks and tagged fields at their default: all that it has must be here. */
  hasAll(found: unknown, wanted: Record<string, unknown>, where: string): void {
    const printed = printable(found) as Record<string, unknown>
    this.same(Object.fromEntries(Object.keys(wanted).map(key => [key, printed[key]])), wanted, where)
  }

  end(t: Test): void {
    t.ok(this.compared > 0, `${this.compared} comparisons`)
    t.strictSame(this.found, [])
    t.end()
  }
}

function messagesOf(directory: string, file: string): TestRecord[] {
  return recordsOf(readFixture(`${directory}/${file}`))
}

const filesOf = (directory: string, folder: string): string[] =>
  readdirSync(fixtureUrl(`${directory}/${folder}`))
    .filter(name => name.endsWith('.log') || name.endsWith('.checkpoint'))
    .sort()

for (const [directory, expected] of [
  ['clean', 'cluster-metadata.ndjson'],
  ['unclean', 'cluster-metadata.unclean.ndjson'],
  ['snapshot', 'cluster-metadata.snapshot.ndjson'],
  ['dynamic', 'cluster-metadata.dynamic.ndjson'],
] as const) {
  t.test(
    `every metadata record of ${directory}/ reads as Kafka dumps it and is written back to the same bytes`,
    t => {
      const differences = new Differences()
      const lines = readExpected<MetadataLine>(expected)
      const wanted = new Map(
        lines.map(line => [`${line.file ?? '00000000000000000000.log'}@${line.offset}`, line.record]),
      )
      for (const file of filesOf(directory, '__cluster_metadata-0')) {
        for (const { offset, isControl, key, value } of messagesOf(
          directory,
          `__cluster_metadata-0/${file}`,
        )) {
          if (isControl) continue
          const where = `${file}@${offset}`
          const line = wanted.get(where)
          if (value === null || line === undefined) throw new Error(`${where} is not in ${expected}`)
          differences.same(key, null, where)
          const record = readMetadataRecord(value)
          if (!record.known) throw new Error(`${where} is not known`)
          differences.same(dumpName(record.name), line.type, where)
          differences.same(record.version, line.version, where)
          differences.hasAll(record.message, line.data, where)
          differences.same(writeMetadataRecord(record.name, record.version, record.message), value, where)
          wanted.delete(where)
        }
      }
      differences.same([...wanted.keys()], [], 'nothing is missing')
      differences.end(t)
    },
  )
}

t.test('every bootstrap.checkpoint is readable', t => {
  const differences = new Differences()
  for (const directory of ['clean', 'unclean', 'snapshot', 'dynamic']) {
    const records = messagesOf(directory, 'bootstrap.checkpoint').filter(record => !record.isControl)
    t.ok(records.length > 0)
    for (const { value } of records) {
      const record = value === null ? undefined : readMetadataRecord(value)
      if (record?.known !== true) throw new Error('unknown')
      differences.same(writeMetadataRecord(record.name, record.version, record.message), value, directory)
    }
  }
  differences.end(t)
})

t.test('every control record of the metadata logs is written back to the same bytes', t => {
  const schemas = new Map<number, MessageSchema>([
    [2, LeaderChangeMessage],
    [3, SnapshotHeaderRecord],
    [4, SnapshotFooterRecord],
    [5, KRaftVersionRecord],
    [6, VotersRecord],
  ])
  const differences = new Differences()
  const seen = new Set<number>()
  for (const directory of ['clean', 'unclean', 'snapshot', 'dynamic']) {
    for (const file of filesOf(directory, '__cluster_metadata-0')) {
      for (const record of messagesOf(directory, `__cluster_metadata-0/${file}`)) {
        if (!record.isControl) continue
        const type = record.key?.readInt16BE(2) ?? -1
        const schema = schemas.get(type)
        if (schema === undefined || record.value === null) throw new Error(`a control record of type ${type}`)
        // These begin with their own version as a field.
        const version = record.value.readInt16BE(0)
        const message = decode(schema, version, record.value)
        differences.same(
          encode(schema, version, message),
          record.value,
          `${directory}/${file}@${record.offset}`,
        )
        seen.add(type)
      }
    }
  }
  differences.same([...seen].sort(), [2, 3, 4, 5, 6], 'each kind occurs')
  differences.end(t)
})

for (const directory of ['clean', 'unclean']) {
  t.test(
    `every group record of ${directory}/ reads as Kafka dumps it and is written back to the same bytes`,
    t => {
      const differences = new Differences()
      const lines = readExpected<CoordinatorLine>('group-metadata.ndjson')
      const wanted = new Map(lines.map(line => [`${line.partition}@${line.offset}`, line]))
      for (let partition = 0; partition < 4; partition++) {
        for (const file of filesOf(directory, `__consumer_offsets-${partition}`)) {
          for (const each of messagesOf(directory, `__consumer_offsets-${partition}/${file}`)) {
            if (each.isControl) continue
            const where = `${partition}@${each.offset}`
            const line = wanted.get(where)
            const record = readGroupRecord(each.key, each.value)
            if (line === undefined || !record.known) throw new Error(`${where} is not known`)
            differences.same(String(record.type), line.key.type, where)
            differences.same(printable(record.key), line.key.data, where)
            differences.same(record.value === null, line.value === null, where)
            if (line.value !== null) differences.same(String(record.version), line.value.version, where)
            if (record.name === 'GroupMetadata') checkMembers(differences, record.value?.members ?? [], line)
            else if (line.value !== null) differences.hasAll(record.value, line.value.data, where)
            differences.same(writeGroupRecord(record), { key: each.key, value: each.value }, where)
            wanted.delete(where)
          }
        }
      }
      differences.same([...wanted.keys()], [], 'nothing is missing')
      differences.end(t)
    },
  )

  t.test(
    `every transaction record of ${directory}/ reads as Kafka dumps it and is written back to the same bytes`,
    t => {
      const differences = new Differences()
      const lines = readExpected<CoordinatorLine>('transactions.ndjson')
      const wanted = new Map(lines.map(line => [`${line.partition}@${line.offset}`, line]))
      for (let partition = 0; partition < 4; partition++) {
        for (const file of filesOf(directory, `__transaction_state-${partition}`)) {
          for (const each of messagesOf(directory, `__transaction_state-${partition}/${file}`)) {
            const where = `${partition}@${each.offset}`
            const line = wanted.get(where)
            const record = readTransactionRecord(each.key, each.value)
            if (line === undefined || !record.known) throw new Error(`${where} is not known`)
            differences.same(printable(record.key), line.key.data, where)
            if (line.value === null) differences.same(record.value, null, where)
            else differences.hasAll(record.value, line.value.data, where)
            differences.same(writeTransactionRecord(record), { key: each.key, value: each.value }, where)
            wanted.delete(where)
          }
        }
      }
      differences.same([...wanted.keys()], [], 'nothing is missing')
      differences.end(t)
    },
  )
}

/** The dump goes into what members subscribe to and were assigned, which the record holds as bytes. */
function checkMembers(
  differences: Differences,
  members: { subscription: Buffer; assignment: Buffer }[],
  line: CoordinatorLine,
): void {
  const wanted = (line.value?.data['members'] ?? []) as { subscription: object; assignment: object }[]
  differences.same(members.length, wanted.length, 'members')
  members.forEach((member, index) => {
    const subscription = readSubscription(member.subscription)
    differences.hasAll(subscription, { ...wanted[index]?.subscription }, 'subscription')
    differences.same(
      writeSubscription(member.subscription.readInt16BE(0), subscription),
      member.subscription,
      'subscription',
    )
    if (member.assignment.length === 0) return
    const assignment = readAssignment(member.assignment)
    differences.hasAll(assignment, { ...wanted[index]?.assignment }, 'assignment')
    differences.same(
      writeAssignment(member.assignment.readInt16BE(0), assignment),
      member.assignment,
      'assignment',
    )
  })
}
