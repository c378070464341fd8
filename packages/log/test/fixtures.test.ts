import t, { type Test } from 'tap'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cryptoRandom, FakeClock, NodeFs } from '@varve/platform'
import {
  isControl,
  isTransactional,
  loadCodec,
  readAttributes,
  readBatchSize,
  readLeaderEpoch,
  readMaxTimestamp,
  readProducerId,
  recordsOf,
  type CodecName,
} from '@varve/records'
import { expectedLines, expectedRecords, fixture } from '@varve/testkit'
import { LogDirectory } from '../src/directory/log-directory.ts'
import type { LogDirectoryOptions } from '../src/directory/log-directory-options.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { parseSnapshot } from '../src/producer/producer-snapshot-file.ts'
import { config, DAY } from './helpers.ts'

interface ExpectedOffsets {
  logStartOffset: number
  endOffset: number
  forTimestamp: [timestamp: number, answer: { offset: number; timestamp: number } | null][]
}

const expected = JSON.parse(
  readFileSync(fixture('expected/offsets.read_uncommitted.json'), 'utf8'),
) as Record<string, ExpectedOffsets>

const expectedCommitted = JSON.parse(
  readFileSync(fixture('expected/offsets.read_committed.json'), 'utf8'),
) as Record<string, ExpectedOffsets>

const settings: LogDirectoryOptions = {
  vfs: new NodeFs(),
  clock: new FakeClock(DAY),
  random: cryptoRandom,
  configOf: ({ topic }) =>
    topic === 'rolled'
      ? config({ segmentBytes: 1024 * 1024, indexIntervalBytes: 512, segmentIndexBytes: 65536 })
      : config({ segmentIndexBytes: 65536 }),
}

/** Every file under a folder with its bytes. */
function contents(root: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(root.length + 1), readFileSync(path).toString('base64'))
  }
  return files
}

/** The batches of a log from its first file on, one read after the other. */
async function allBytes(log: PartitionLog, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = log.logStartOffset; offset < log.highWatermark;) {
    const { bytes } = await log.read({ offset, maxBytes })
    if (bytes.length === 0) break
    pieces.push(bytes)
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      offset = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1
    }
  }
  return Buffer.concat(pieces)
}

function logFiles(root: string, partition: string): Buffer {
  const names = readdirSync(join(root, partition)).filter(name => name.endsWith('.log'))
  return Buffer.concat(names.sort().map(name => readFileSync(join(root, partition, name))))
}

async function checkAnswers(t: Test, directory: LogDirectory, root: string): Promise<void> {
  await checkProducers(t, directory)
  for (const [name, { logStartOffset, endOffset, forTimestamp }] of Object.entries(expected)) {
    const log = directory.partitions.get(name)
    if (log === undefined) {
      t.fail(`${name} is not open`)
      continue
    }
    t.match(log, { logStartOffset, highWatermark: endOffset, logEndOffset: endOffset }, `offsets of ${name}`)
    for (const [timestamp, answer] of forTimestamp) {
      const found = await log.offsetForTimestamp(timestamp)
      const { offset, timestamp: at } = found ?? {}
      t.same(found === undefined ? null : { offset, timestamp: at }, answer, `${name} at ${timestamp}`)
    }
    for (const maxBytes of [1, 5000, 4_000_000]) {
      const bytes = await allBytes(log, maxBytes)
      const files = logFiles(root, name)
      t.ok(
        files.subarray(files.length - bytes.length).equals(bytes),
        `${name} in reads of ${maxBytes} byte for byte`,
      )
      if (logStartOffset === 0) t.equal(bytes.length, files.length, `${name} whole`)
    }
  }
}

for (const name of ['clean', 'unclean']) {
  t.test(`reads Kafka's ${name} directory and changes nothing`, async t => {
    const root = fixture(name)
    const before = contents(root)
    const directory = await LogDirectory.open(root, { ...settings, readOnly: true })
    await checkAnswers(t, directory, root)
    t.equal(directory.wasClean, name === 'clean')
    t.same(directory.findings, [])
    await directory.close()
    t.same(contents(root), before)
  })

  t.test(`owns a copy of Kafka's ${name} directory and gives it back`, async t => {
    const root = t.testdir()
    cpSync(fixture(name), root, { recursive: true })
    if (name === 'unclean') {
      await t.rejects(LogDirectory.open(root, settings), { code: 'DIRECTORY_NOT_CLEAN' })
      t.same(contents(root), contents(fixture(name)), 'a refused directory is as it was')
    }
    const directory = await LogDirectory.open(root, { ...settings, recover: true })
    await checkAnswers(t, directory, root)
    t.same(directory.findings, [])
    t.notOk(readdirSync(root).includes('meta.properties'), 'Kafka cannot start on it meanwhile')
    await directory.close()
    const names = readdirSync(root)
    t.ok(names.includes('meta.properties') && names.includes('.kafka_cleanshutdown'))
    const again = await LogDirectory.open(root, settings)
    t.equal(again.wasClean, true)
    await checkAnswers(t, again, root)
    await again.close()
    const closed = contents(root)
    for (const [path, bytes] of contents(fixture('clean'))) {
      if (!path.endsWith('index') || /^(compacted|__cluster_metadata)/.test(path)) continue
      t.equal(closed.get(path), bytes, `${path} as Kafka closes it`)
    }
  })
}

t.test('what was not appended to keeps its indexes to the byte', async t => {
  const root = t.testdir()
  cpSync(fixture('clean'), root, { recursive: true })
  const directory = await LogDirectory.open(root, settings)
  await directory.close()
  const after = contents(root)
  for (const [name, bytes] of contents(fixture('clean'))) {
    // Kafka was restarted in between and added a last time entry then; a walk from the start has none there.
    if (name.startsWith('__cluster_metadata-0') && name.endsWith('.timeindex')) continue
    if (/index$|\.log$|epoch-checkpoint$|partition\.metadata$|meta\.properties$/.test(name)) {
      t.equal(after.get(name), bytes, name)
    }
  }
})

t.test("indexes made anew are Kafka's to the byte", async t => {
  const root = t.testdir()
  cpSync(fixture('clean'), root, { recursive: true })
  const original = contents(fixture('clean'))
  const indexes = [...original.keys()].filter(name => /\.(time)?index$/.test(name))
  for (const name of indexes) rmSync(join(root, name))
  const directory = await LogDirectory.open(root, settings)
  // The indexes of a segment below the recovery point are looked at when somebody asks them.
  for (const log of directory.partitions.values()) await log.maxTimestamp()
  await directory.close()
  const after = contents(root)
  // The cleaner rewrote this one; Kafka built its index while the segment still had all its batches.
  for (const name of indexes) {
    if (name.startsWith('compacted') || name.startsWith('__cluster_metadata')) continue
    t.equal(after.get(name) ?? '', original.get(name), name)
  }
})

interface ExpectedProducer {
  file: string
  producerId: number
  producerEpoch: number
  coordinatorEpoch: number
  currentTxnFirstOffset: number | null
  lastTimestamp: number
  lastSequence?: number
  lastOffset?: number
}

/** What Kafka's newest snapshot of a partition says. */
function expectedProducers(partition: string): object[] {
  const lines = expectedLines<ExpectedProducer>('producer-state').filter(
    ({ file }) => file.startsWith(`${partition}/`) && file.endsWith('.snapshot'),
  )
  const newest = lines
    .map(({ file }) => file)
    .sort()
    .at(-1)
  return lines
    .filter(({ file }) => file === newest)
    .map(({ file: _, currentTxnFirstOffset, ...entry }) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence ?? -1,
      lastOffset: entry.lastOffset ?? -1,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: currentTxnFirstOffset ?? -1,
    }))
}

/** As a consumer of committed records reads: batches of aborted transactions, and all markers, are left out. */
async function committedRecords(log: PartitionLog, maxBytes: number): Promise<object[]> {
  const records: object[] = []
  for (let next = log.logStartOffset; next < log.lastStableOffset;) {
    const { bytes, abortedTransactions } = await log.read({
      offset: next,
      maxBytes,
      isolation: 'read_committed',
    })
    if (bytes.length === 0) throw new Error(`nothing at ${next}, below ${log.lastStableOffset}`)
    const open = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborted = new Set<number>()
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      const attributes = readAttributes(bytes, at)
      const producerId = readProducerId(bytes, at)
      const lastOffset = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23)
      while (open[0] !== undefined && open[0].firstOffset <= lastOffset)
        aborted.add(open.shift()?.producerId ?? -1)
      if (isControl(attributes)) aborted.delete(producerId)
      else if (!isTransactional(attributes) || !aborted.has(producerId)) {
        for (const { offset, timestamp, key } of recordsOf(bytes, at))
          if (offset >= next) records.push({ offset, timestamp, key: key?.toString('base64') ?? null })
      }
      next = lastOffset + 1
    }
  }
  return records
}

async function checkProducers(t: Test, directory: LogDirectory): Promise<void> {
  for (const name of ['idem-0', 'txn-0', 'txn-1', 'edge-0', '__consumer_offsets-2']) {
    const log = directory.partitions.get(name)
    const producers = [...(log?.producers ?? [])].sort((a, b) => a.producerId - b.producerId)
    t.strictSame(producers, expectedProducers(name), `producers of ${name}`)
  }
  for (const [name, { logStartOffset, endOffset, forTimestamp }] of Object.entries(expectedCommitted)) {
    const log = directory.partitions.get(name)
    if (log === undefined) {
      t.fail(`${name} is not open`)
      continue
    }
    t.match(log, { logStartOffset, lastStableOffset: endOffset }, `stable offset of ${name}`)
    for (const [timestamp, answer] of forTimestamp) {
      const found = await log.offsetForTimestamp(timestamp, { isolation: 'read_committed' })
      const { offset, timestamp: at } = found ?? {}
      t.same(found === undefined ? null : { offset, timestamp: at }, answer, `${name} at ${timestamp}`)
    }
    const wanted = expectedRecords(`${name}.committed`).map(({ offset, timestamp, key }) => ({
      offset,
      timestamp,
      key,
    }))
    for (const maxBytes of [1, 300, 1_000_000])
      t.strictSame(
        await committedRecords(log, maxBytes),
        wanted,
        `${name} committed, in reads of ${maxBytes}`,
      )
    const aborted = expectedLines<{ file: string; producerId: number; firstOffset: number }>('producer-state')
      .filter(({ file }) => file.startsWith(name) && file.endsWith('.txnindex'))
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
    const all = await log.read({ offset: 0, isolation: 'read_committed' })
    t.strictSame(
      all.abortedTransactions.slice(0, aborted.length),
      aborted.slice(0, all.abortedTransactions.length),
    )
    const { abortedTransactions } = await log.read({ offset: 8, isolation: 'read_committed' })
    t.strictSame(abortedTransactions, aborted.slice(1), `aborted in ${name} from offset 8 on`)
  }
}

const PARTITIONS = [
  ...['codec-none-0', 'codec-gzip-0', 'codec-snappy-0', 'codec-lz4-0', 'codec-zstd-0', 'edge-0', 'rolled-0'],
  ...['rolled-1', 'logappend-0', 'idem-0', 'txn-0', 'txn-1', 'trimmed-0', 'grown-0', 'grown-1', 'grown-2'],
]

t.test("the batches of Kafka's logs, appended, give Kafka's files", async t => {
  const root = t.testdir()
  const clean = fixture('clean')
  const clock = new FakeClock(DAY - 24 * 3600 * 1000)
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] satisfies CodecName[]) await loadCodec(codec)
  const configOf: LogDirectoryOptions['configOf'] = (of, topicId) => ({
    ...(settings.configOf?.(of, topicId) ?? config()),
    ...(of.topic === 'logappend' ? { messageTimestampType: 'LogAppendTime' } : {}),
  })
  const directory = await LogDirectory.open(join(root, 'data'), { ...settings, clock, configOf })
  for (const name of PARTITIONS) {
    const topic = name.slice(0, -2)
    const partition = Number(name.at(-1))
    const log = await directory.createPartition({ topic, partition, topicId: 'KcEh0CeWT6appgxEAW289A' })
    const files = logFiles(clean, name)
    for (let at = 0; at < files.length;) {
      const size = readBatchSize(files, at)
      const batch = Buffer.from(files.subarray(at, at + size))
      log.leaderEpoch = readLeaderEpoch(batch, 0)
      if (topic === 'logappend') clock.advance(readMaxTimestamp(batch, 0) - clock.now())
      await log.append(batch, { origin: isControl(readAttributes(batch, 0)) ? 'coordinator' : 'client' })
      at += size
    }
  }
  await directory.close()
  const written = contents(join(root, 'data'))
  const wanted = contents(clean)
  const mine = (name: string): boolean => PARTITIONS.some(partition => name.startsWith(`${partition}/`))
  const kept = (name: string): boolean =>
    /\.(log|index|timeindex|txnindex|snapshot)$/.test(name) && mine(name)
  t.strictSame(
    [...written.keys()].filter(kept).sort(),
    [...wanted.keys()].filter(kept).sort(),
    'the same files',
  )
  for (const [name, bytes] of wanted) {
    if (!kept(name)) continue
    if (name.endsWith('.snapshot'))
      t.strictSame(entriesOf(name, written.get(name) ?? ''), entriesOf(name, bytes), name)
    else t.equal(written.get(name), bytes, name)
  }
})

/** Kafka's order of producers is a hash table's. */
function entriesOf(name: string, base64: string): unknown {
  const offset = Number(name.slice(-'.snapshot'.length - 20, -'.snapshot'.length))
  const entries = parseSnapshot(Buffer.from(base64, 'base64'), { offset, seenAt: 0 })
  return entries?.toSorted((a, b) => a.producerId - b.producerId)
}
