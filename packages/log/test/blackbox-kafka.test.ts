import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { cryptoRandom, FakeClock, NodeFs } from '@varve/platform'
import {
  isControl,
  patchCrc,
  readAttributes,
  readBatchSize,
  readLeaderEpoch,
  readMaxTimestamp,
  timestampTypeOf,
} from '@varve/records'
import { expectedLines, expectedRecords, fixture } from '@varve/testkit'
import { LogDirectory } from '../src/directory/log-directory.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { config, DAY } from './helpers.ts'
import { consume } from './oracle/player.ts'

/** The broker's settings, as the page of the fixtures lists them. */
function settings(topic: string) {
  const common = { segmentIndexBytes: 65536, fileDeleteDelayMs: 0 }
  if (topic === 'rolled')
    return config({ ...common, segmentBytes: 1024 * 1024, indexIntervalBytes: 512, segmentIndexBytes: 4096 })
  if (topic === 'logappend') return config({ ...common, messageTimestampType: 'LogAppendTime' })
  if (topic === 'compacted')
    return config({ ...common, compact: true, delete: false, indexIntervalBytes: 512 })
  return config(common)
}

function open(root: string, options: { readOnly?: boolean; recover?: boolean; clock?: FakeClock } = {}) {
  return LogDirectory.open(root, {
    vfs: new NodeFs(),
    clock: new FakeClock(DAY + 86_400_000),
    random: cryptoRandom,
    configOf: ({ topic }) => settings(topic),
    ...options,
  })
}

function logOf(directory: LogDirectory, name: string): PartitionLog {
  const log = directory.partitions.get(name)
  if (log === undefined) throw new Error(`${name} is not open`)
  return log
}

interface ProducerLine {
  file: string
  producerId: number
  producerEpoch: number
  coordinatorEpoch: number
  currentTxnFirstOffset: number | null
  lastTimestamp: number
  lastSequence?: number
}

/** The entries of the last snapshot of each partition. */
function lastSnapshots(): Map<string, ProducerLine[]> {
  const found = new Map<string, ProducerLine[]>()
  for (const line of expectedLines<ProducerLine>('producer-state')) {
    if (!line.file.endsWith('.snapshot')) continue
    const [partition = ''] = line.file.split('/')
    const list = found.get(partition) ?? []
    found.set(partition, [...list.filter(({ file }) => file >= line.file), line])
  }
  return found
}

const committedOffsets = JSON.parse(
  readFileSync(fixture('expected/offsets.read_committed.json'), 'utf8'),
) as Record<string, { logStartOffset: number; endOffset: number }>

async function checkTransactions(t: Test, directory: LogDirectory): Promise<void> {
  for (const [name, { logStartOffset, endOffset }] of Object.entries(committedOffsets))
    t.match(logOf(directory, name), { logStartOffset, lastStableOffset: endOffset }, name)
  for (const name of ['txn-0', 'txn-1']) {
    const log = logOf(directory, name)
    const offsets = (partition: string): number[] => expectedRecords(partition).map(({ offset }) => offset)
    t.same(await consume(log, true), offsets(`${name}.committed`), `${name}, committed`)
    t.same(await consume(log, false), offsets(name), `${name}, all`)
    const beyond = await log.read({ offset: log.lastStableOffset, isolation: 'read_committed' })
    t.equal(beyond.bytes.length, 0, 'nothing of an open transaction')
    const open = await log.read({ offset: log.lastStableOffset, isolation: 'read_uncommitted' })
    t.equal(open.bytes.length > 0, log.highWatermark > log.lastStableOffset)
  }
}

function checkProducers(t: Test, directory: LogDirectory): void {
  for (const [name, lines] of lastSnapshots()) {
    if (name.startsWith('__')) continue
    const wanted = lines.map(line => [
      line.producerId,
      line.producerEpoch,
      line.coordinatorEpoch,
      line.currentTxnFirstOffset ?? -1,
      line.lastTimestamp,
      line.lastSequence ?? -1,
    ])
    const found = logOf(directory, name).producers.map(one => [
      one.producerId,
      one.producerEpoch,
      one.coordinatorEpoch,
      one.currentTxnFirstOffset,
      one.lastTimestamp,
      one.lastSequence,
    ])
    const byId = (list: number[][]): number[][] => list.sort(([a = 0], [b = 0]) => a - b)
    t.same(byId(found), byId(wanted), `the producers of ${name}`)
  }
}

for (const name of ['clean', 'unclean']) {
  t.test(`the transactions and producers of Kafka's ${name} directory, read beside it`, async t => {
    const directory = await open(fixture(name), { readOnly: true })
    await checkTransactions(t, directory)
    checkProducers(t, directory)
    await directory.close()
  })

  t.test(
    `the transactions and producers of Kafka's ${name} directory, owned, closed and owned again`,
    async t => {
      const root = t.testdir()
      cpSync(fixture(name), root, { recursive: true })
      for (const time of ['first', 'second']) {
        const directory = await open(root, { recover: true })
        t.comment(time)
        await checkTransactions(t, directory)
        checkProducers(t, directory)
        await directory.close()
      }
      const kafka = fixture('clean')
      for (const partition of ['txn-0', 'txn-1', 'idem-0']) {
        const names = readdirSync(join(kafka, partition)).filter(file => /txnindex$|snapshot$/.test(file))
        for (const file of names)
          t.same(
            entries(join(root, partition, file)),
            entries(join(kafka, partition, file)),
            `${partition}/${file}`,
          )
      }
    },
  )
}

/** The entries of a snapshot or a transaction index as hex, in an order of their own. */
function entries(path: string): string[] {
  const bytes = readFileSync(path)
  const [start, size] = path.endsWith('.snapshot') ? [10, 46] : [0, 34]
  const found: string[] = []
  for (let at = start; at < bytes.length; at += size)
    found.push(bytes.subarray(at, at + size).toString('hex'))
  return found.sort()
}

const TOPICS = [
  'codec-none',
  'codec-gzip',
  'codec-snappy',
  'codec-lz4',
  'codec-zstd',
  'edge',
  'rolled',
  'logappend',
  'idem',
  'txn',
  'trimmed',
]

t.test("the same batches, appended, give Kafka's files: logs, all indexes, snapshots", async t => {
  const root = t.testdir()
  const kafka = fixture('clean')
  const clock = new FakeClock(DAY)
  const directory = await open(root, { clock })
  const names = readdirSync(kafka).filter(name => TOPICS.includes(name.slice(0, name.lastIndexOf('-'))))
  for (const name of names) {
    const [topic, partition] = [name.slice(0, -2), Number(name.at(-1))]
    await directory.createPartition({
      topic,
      partition,
      topicId: 'KcEh0CeWT6appgxEAW289A',
      config: settings(topic),
    })
    const log = logOf(directory, name)
    const logs = readdirSync(join(kafka, name))
      .filter(file => file.endsWith('.log'))
      .sort()
    for (const bytes of logs.map(file => readFileSync(join(kafka, name, file)))) {
      for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
        const batch = Buffer.from(bytes.subarray(at, at + readBatchSize(bytes, at)))
        const attributes = readAttributes(batch, 0)
        log.leaderEpoch = readLeaderEpoch(batch, 0)
        if (timestampTypeOf(attributes) === 'LogAppendTime') {
          // As its producer sent it: the broker set the type and the time.
          clock.setNow(readMaxTimestamp(batch, 0))
          asSent(batch)
        }
        batch.writeBigInt64BE(0n, 0)
        await log.append(batch, isControl(attributes) ? { origin: 'coordinator' } : {})
      }
    }
    if (topic === 'trimmed') await log.deleteRecords(40)
  }
  await directory.close()
  let compared = 0
  for (const name of names) {
    const files = readdirSync(join(kafka, name)).filter(file => /^\d{20}/.test(file))
    const mine = readdirSync(join(root, name)).filter(file => /^\d{20}/.test(file))
    const full = (folder: string, list: string[]): string[] =>
      list.filter(file => file.endsWith('.log') || readFileSync(join(folder, name, file)).length > 0).sort()
    t.same(full(root, mine), full(kafka, files), `the files of ${name}`)
    for (const file of full(kafka, files)) {
      if (!mine.includes(file)) continue
      const [wanted, found] = [join(kafka, name, file), join(root, name, file)]
      if (file.endsWith('.snapshot')) t.same(entries(found), entries(wanted), `${name}/${file}`)
      else t.ok(readFileSync(found).equals(readFileSync(wanted)), `${name}/${file}`)
      compared++
    }
  }
  t.ok(compared > 50, `${compared} files`)
  t.match(readFileSync(join(root, 'log-start-offset-checkpoint'), 'utf8'), /^trimmed 0 40$/m)
})

function asSent(batch: Buffer): void {
  batch.writeInt16BE(batch.readInt16BE(21) & ~8, 21)
  patchCrc(batch, 0)
}
