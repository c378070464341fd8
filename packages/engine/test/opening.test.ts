import t from 'tap'
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FakeClock, MemFs, NodeFs, SeededRandom } from '@varve/platform'
import { writeMetadataRecord } from '@varve/protocol'
import { BatchWriter } from '@varve/records'
import { FaultFs, fixture } from '@varve/testkit'
import { EmbeddedBroker } from '../src/index.ts'
import { brokerWith, codeOf, DAY, openBroker, produce, topicNames, turn, values } from './harness.ts'

t.test('options are checked with their names', async t => {
  const good = { path: '/data', vfs: new MemFs(), clock: new FakeClock(), random: new SeededRandom(1) }
  t.equal(await codeOf(() => EmbeddedBroker.open({ ...good, numPartitions: 0 })), 'INVALID_ARGUMENT')
  t.match(await EmbeddedBroker.open({ ...good, pth: 1 } as never).catch((error: unknown) => error), {
    message: /did you mean path/,
  })
  t.same(await good.vfs.list('/'), [], 'nothing was made')
})

t.test('after a power cut the acknowledged records and topics are there', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    const vfs = new MemFs({ crashable: true })
    const broker = await brokerWith({ partitions: 2 }, { vfs })
    const acknowledged: string[] = []
    const sends = Array.from({ length: 12 }, async (_, index) => {
      await produce(broker, [`v${index}`])
      acknowledged.push(`v${index}`)
    })
    await Promise.all(sends.slice(0, 1 + (seed % 12)))
    const promised = [...acknowledged]
    const clone = vfs.crashClone({ rng: new SeededRandom(seed), unsyncedPercent: 50 })
    await Promise.all(sends)
    await broker.close()
    const after = await openBroker({ vfs: clone })
    t.notOk(after.wasClean)
    const found = await values(after)
    t.same(
      found,
      found.map((_, index) => `v${index}`),
      `seed ${seed}: in order, once`,
    )
    t.ok(found.length >= promised.length, `seed ${seed}: ${found.length} of ${promised.length}`)
    t.equal(await produce(after, ['next']), found.length)
    await after.close()
  }
})

t.test('closing twice is closing once, and a closed broker refuses everything', async t => {
  const vfs = new MemFs()
  const broker = await brokerWith({}, { vfs })
  const pending = produce(broker, ['on its way'])
  await Promise.all([broker.close(), broker.close()])
  t.equal(await pending, 0, 'what was on its way arrives')
  const { group, memberId } = { group: 'g', memberId: '' }
  for (const call of [
    () => broker.metadata(),
    () => broker.createTopics({ topics: [] }),
    () => broker.deleteTopics({ topics: [] }),
    () => broker.describeConfigs({ topics: [] }),
    () => produce(broker, ['x']),
    () => broker.fetch({ partitions: [], maxBytes: 1 }),
    () => broker.listOffsets({ partitions: [] }),
    () => broker.heartbeat({ group, memberId, generation: 0 }),
    () => broker.fetchOffsets({ group }),
    () => broker.listGroups(),
  ])
    t.equal(await codeOf(call), 'CLOSED')
  const again = await openBroker({ vfs })
  t.ok(again.wasClean)
  t.same(await values(again), ['on its way'])
  await again.close()
})

t.test('one process owns a directory, others may read it', async t => {
  const vfs = new NodeFs()
  const path = t.testdir()
  const owner = await brokerWith({}, { vfs, path })
  await produce(owner, ['a'])
  t.equal(await codeOf(() => openBroker({ vfs, path })), 'DIRECTORY_LOCKED')
  const reader = await openBroker({ vfs, path, readOnly: true })
  t.same(await values(reader), ['a'])
  await produce(owner, ['b'])
  t.same(await values(reader), ['a', 'b'], 'records that came since')
  await owner.createTopics({ topics: [{ topic: 'later' }] })
  t.same(await topicNames(reader), ['t'], 'topics as at its opening')
  for (const call of [
    () => produce(reader, ['x']),
    () => reader.createTopics({ topics: [{ topic: 'x' }] }),
    () => reader.deleteTopics({ topics: ['t'] }),
    () => reader.commitOffsets({ group: 'g', memberId: '', generation: -1, offsets: [] }),
    () => reader.leaveGroup({ group: 'g', memberId: '' }),
  ])
    t.equal(await codeOf(call), 'NOT_PERMITTED')
  await reader.close()
  await owner.close()
})

t.test('a reader that waits sees what the owner appends', async t => {
  const vfs = new MemFs()
  const owner = await brokerWith({}, { vfs })
  const clock = new FakeClock(DAY)
  const reader = await openBroker({ vfs, readOnly: true, clock })
  const waiting = reader.fetch({
    partitions: [{ topic: 't', partition: 0, offset: 0 }],
    maxBytes: 1000,
    maxWaitMs: 60_000,
  })
  await turn()
  await produce(owner, ['a'])
  for (let tick = 0; tick < 5; tick++) await clock.advanceAsync(250)
  t.ok((await waiting)[0]?.batches.length)
  t.equal(clock.timers, 0)
  await reader.close()
  await owner.close()
})

t.test('a topic that its owner deletes is an error of its own for a reader', async t => {
  const vfs = new MemFs()
  const owner = await brokerWith({}, { vfs })
  await owner.createTopics({ topics: [{ topic: 'u' }] })
  await produce(owner, ['kept'], { topic: 'u' })
  const reader = await openBroker({ vfs, readOnly: true })
  await owner.deleteTopics({ topics: ['t'] })
  const partitions = ['t', 'u'].map(topic => ({ topic, partition: 0, offset: 0 }))
  const results = await reader.fetch({ partitions, maxBytes: 1000 })
  t.same(
    results.map(({ error, batches }) => error?.code ?? batches.length > 0),
    ['UNKNOWN_TOPIC_OR_PARTITION', true],
  )
  await reader.close()
  await owner.close()
})

t.test('metadata that ends below its checkpoint is not written to', async t => {
  const path = t.testdir()
  cpSync(fixture('snapshot'), path, { recursive: true })
  const folder = join(path, '__cluster_metadata-0')
  for (const name of readdirSync(folder)) {
    const [, offset] = /^(\d{20})\.(?:log|index|timeindex)$/.exec(name) ?? []
    if (Number(offset) >= 200) rmSync(join(folder, name))
  }
  const points = join(path, 'recovery-point-offset-checkpoint')
  writeFileSync(
    points,
    readFileSync(points, 'utf8').replace(/__cluster_metadata 0 \d+/, '__cluster_metadata 0 200'),
  )
  const error: unknown = await openBroker({ vfs: new NodeFs(), path }).catch((reason: unknown) => reason)
  t.match(error, { code: 'KAFKA_STORAGE_ERROR', message: /ends at offset 200, but its checkpoint/ })
  const reader = await openBroker({ vfs: new NodeFs(), path, readOnly: true })
  t.ok((await topicNames(reader)).length > 0)
  await reader.close()
})

t.test('an opening that fails anywhere gives the directory back', async t => {
  const inner = new MemFs()
  const first = await brokerWith({}, { vfs: inner })
  await produce(first, ['kept'])
  await first.close()
  let failures = 0
  for (let nth = 1; nth < 400; nth++) {
    const vfs = new FaultFs(inner)
    const fault = vfs.fail({ nth })
    const broker = await openBroker({ vfs }).catch(() => undefined)
    if (broker !== undefined) await broker.close().catch(() => undefined)
    if (fault.fired === 0) break
    failures++
    const again = await openBroker({ vfs: inner })
    const found = await values(again)
    if (found.join() !== 'kept') t.same(found, ['kept'], `after failure ${nth}`)
    await again.close()
  }
  t.ok(failures > 30, `${failures} operations failed in turn`)
  t.ok(failures < 399)
})

t.test('a directory whose metadata is newer is read and not owned', async t => {
  const vfs = new MemFs()
  const broker = await brokerWith({}, { vfs })
  await produce(broker, ['a'])
  await broker.close()
  await appendMetadata(
    vfs,
    writeMetadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 99 }),
  )
  const error: unknown = await openBroker({ vfs }).catch((reason: unknown) => reason)
  t.match(error, { code: 'UNSUPPORTED_VERSION', message: /metadata\.version is 99/ })
  const reader = await openBroker({ vfs, readOnly: true })
  t.same(await values(reader), ['a'])
  await reader.close()
  t.equal(await codeOf(() => openBroker({ vfs })), 'UNSUPPORTED_VERSION', 'and it was given back')
})

t.test('a transaction of metadata that its writer left open counts for nothing', async t => {
  const vfs = new MemFs()
  const broker = await brokerWith({}, { vfs })
  await broker.close()
  await appendMetadata(
    vfs,
    writeMetadataRecord('BeginTransactionRecord', 0, { name: 'test' }),
    writeMetadataRecord('TopicRecord', 0, { name: 'half', topicId: 'KcEh0CeWT6appgxEAW289A' }),
  )
  let after = await openBroker({ vfs })
  t.same(await topicNames(after), ['t'])
  await after.createTopics({ topics: [{ topic: 'new' }] })
  await after.close()
  after = await openBroker({ vfs })
  t.same(await topicNames(after), ['new', 't'])
  await after.close()
})

t.test('a directory of a broker with ZooKeeper, or of something else, is not owned', async t => {
  const path = t.testdir({ 'notes.txt': 'mine' })
  t.equal(await codeOf(() => openBroker({ vfs: new NodeFs(), path })), 'DIRECTORY_NOT_VARVE')
  t.same(readdirSync(path), ['notes.txt'])
  const old = t.testdir()
  cpSync(join(fixture('clean'), 'edge-0'), join(old, 'edge-0'), { recursive: true })
  cpSync(join(fixture('clean'), 'meta.properties'), join(old, 'meta.properties'))
  cpSync(join(fixture('clean'), '.kafka_cleanshutdown'), join(old, '.kafka_cleanshutdown'))
  t.equal(await codeOf(() => openBroker({ vfs: new NodeFs(), path: old })), 'DIRECTORY_NOT_VARVE')
  t.equal(
    readFileSync(join(old, 'meta.properties'), 'utf8').includes('VmFydmVHb2xkZW5GaXh0dQ'),
    true,
    'given back',
  )
})

/** Writes records behind the metadata log, as another program would. */
async function appendMetadata(vfs: MemFs, ...records: Buffer[]): Promise<void> {
  const path = '/data/__cluster_metadata-0/00000000000000000000.log'
  const size = (await vfs.stat(path))?.size ?? 0
  const reader = await openBroker({ vfs, readOnly: true })
  await reader.close()
  const bytes = await vfs.readFile(path)
  let offset = 0
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8))
    offset = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1
  const writer = new BatchWriter()
  writer.baseOffset = offset
  writer.leaderEpoch = 1
  for (const record of records) writer.add(null, record, DAY)
  const file = await vfs.open(path, 'write')
  await file.write([writer.finish()], size)
  await file.datasync()
  await file.close()
}
