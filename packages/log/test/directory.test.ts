import t from 'tap'
import { MemFs } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { crashed, damage, numbers, openDirectory, openLog, range, TOPIC_ID, valuesFrom } from './helpers.ts'

function put(vfs: MemFs, path: string, content: string): void {
  vfs.sync.open(path, 'create').close()
  damage(vfs, path, () => Buffer.from(content))
}

const names = (vfs: MemFs, path = '/data'): string[] => vfs.sync.list(path).map(entry => entry.name)

/** Names and bytes, but for the locks. */
function snapshot(vfs: MemFs, path = '/data'): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const { name, kind } of vfs.sync.list(path)) {
    if (name.startsWith('.lock-')) continue
    found[name] =
      kind === 'folder'
        ? snapshot(vfs, `${path}/${name}`)
        : vfs.sync.readFile(`${path}/${name}`).toString('latin1')
  }
  return found
}

t.test('a missing or empty directory becomes one', async t => {
  const vfs = new MemFs()
  const directory = await openDirectory({ vfs }, '/some/where/data')
  t.match(directory, {
    clusterId: /^[\w-]{22}$/,
    directoryId: /^[\w-]{22}$/,
    nodeId: 1,
    wasClean: true,
    readOnly: false,
  })
  t.notOk(names(vfs, '/some/where/data').includes('meta.properties'), 'Kafka cannot start while it is owned')
  const { clusterId } = directory
  await directory.close()
  await directory.close()
  t.same(
    names(vfs, '/some/where/data').filter(name => !name.startsWith('.lock')),
    [
      '.kafka_cleanshutdown',
      'log-start-offset-checkpoint',
      'meta.properties',
      'recovery-point-offset-checkpoint',
      'replication-offset-checkpoint',
      'varve.durable-offsets',
      'varve.format',
    ],
  )
  const again = await openDirectory({ vfs }, '/some/where/data')
  t.equal(again.clusterId, clusterId)
  await again.close()
})

t.test('what is no data directory is refused and left as it is', async t => {
  const vfs = new MemFs()
  vfs.sync.mkdir('/data')
  vfs.sync.mkdir('/data/photos')
  put(vfs, '/data/notes.txt', 'mine')
  const before = snapshot(vfs)
  await t.rejects(openDirectory({ vfs }), { code: 'DIRECTORY_NOT_VARVE', message: /notes\.txt|photos/ })
  await t.rejects(openDirectory({ vfs, readOnly: true }), { code: 'DIRECTORY_NOT_VARVE' })
  t.same(snapshot(vfs), before)
  t.same(names(vfs), ['notes.txt', 'photos'])
  await t.rejects(openDirectory({ vfs }, '/data/notes.txt'), { code: 'DIRECTORY_NOT_VARVE' })
  await t.rejects(openDirectory({ vfs, readOnly: true }, '/nowhere'), { code: 'NOT_FOUND' })
})

t.test('a newer directory is refused, and read where its oldest reader allows', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  await directory.close()
  damage(vfs, '/data/varve.format', () => Buffer.from('{"version":2,"oldestReader":1}'))
  const before = snapshot(vfs)
  await t.rejects(openDirectory({ vfs }), { code: 'DIRECTORY_TOO_NEW' })
  t.same(snapshot(vfs), before)
  const reader = await openLog({ vfs, readOnly: true })
  t.same(await valuesFrom(reader.log), range(0, 10))
  await reader.directory.close()
  damage(vfs, '/data/varve.format', () => Buffer.from('{"version":3,"oldestReader":2}'))
  await t.rejects(openDirectory({ vfs, readOnly: true }), { code: 'DIRECTORY_TOO_NEW' })
  damage(vfs, '/data/varve.format', () => Buffer.from('nonsense'))
  await t.rejects(openDirectory({ vfs }), {
    code: 'KAFKA_STORAGE_ERROR',
    context: { path: '/data/varve.format' },
  })
})

t.test('a directory that Kafka only formatted is clean, one that it did not close is not', async t => {
  const vfs = new MemFs()
  vfs.sync.mkdir('/data')
  put(
    vfs,
    '/data/meta.properties',
    '#\n#Fri\nnode.id=4\nversion=1\ncluster.id=VmFydmVHb2xkZW5GaXh0dQ\ndirectory.id=ipoO7ooibb3ju78C3qMnqA\n',
  )
  put(vfs, '/data/bootstrap.checkpoint', '')
  const { directory } = await openLog({ vfs })
  t.match(directory, {
    clusterId: 'VmFydmVHb2xkZW5GaXh0dQ',
    nodeId: 4,
    directoryId: 'ipoO7ooibb3ju78C3qMnqA',
  })
  await directory.close()
  vfs.sync.unlink('/data/.kafka_cleanshutdown')
  const before = snapshot(vfs)
  await t.rejects(openDirectory({ vfs }), { code: 'DIRECTORY_NOT_CLEAN' })
  t.same(snapshot(vfs), before)
  const recovered = await openDirectory({ vfs, recover: true })
  t.equal(recovered.wasClean, false)
  await recovered.close()
})

t.test('any failure while opening takes back what was changed', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  await directory.close()
  const before = snapshot(vfs)
  const counter = new FaultFs(vfs)
  const machine = new FakeMachine()
  await (await openDirectory({ vfs: counter, readOnly: false, machine })).close()
  const probe = new FaultFs(vfs)
  const opened = await openDirectory({ vfs: probe, machine: machine.spawn() })
  const operations = probe.operations
  await opened.close()
  const clean = snapshot(vfs)
  t.same(clean, before)
  let failed = 0
  for (let nth = 1; nth <= operations; nth++) {
    const fs = new FaultFs(vfs)
    fs.fail({ nth })
    const process = machine.spawn()
    try {
      const survivor = await openDirectory({ vfs: fs, machine: process })
      await survivor.close()
    } catch {
      failed++
      t.same(snapshot(vfs), clean, `operation ${nth} of ${operations}`)
    }
    process.kill()
  }
  t.ok(failed > 20, `${failed} openings failed`)
})

t.test('a marker that is deleted only after recovery is found', async t => {
  const check = async (): Promise<boolean> => {
    const vfs = new MemFs({ crashable: true })
    const { directory, log } = await openLog({ vfs })
    await log.append(numbers(0, 10))
    await directory.close()
    const fs = new FaultFs(vfs)
    const hold = fs.hold({ operation: 'list', path: 't-0' })
    const opening = openDirectory({ vfs: fs, machine: new FakeMachine() })
    await hold.reached()
    const inBetween = crashed(vfs, 'marker', 50)
    hold.release()
    await (await opening).close()
    return names(inBetween).includes('.kafka_cleanshutdown')
  }
  t.equal(await check(), false)
  t.teardown(plant('cleanMarkerDeletedLate'))
  t.equal(await check(), true)
})

t.test('a partition is there for good once it is made, and gone once it is deleted', async t => {
  const vfs = new MemFs({ crashable: true })
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  await t.rejects(directory.createPartition({ topic: 't', partition: 0, topicId: TOPIC_ID }), {
    code: 'ALREADY_EXISTS',
  })
  for (const topic of ['', '.', '..', 'a/b', 'ü', 'x'.repeat(250)]) {
    await t.rejects(directory.createPartition({ topic, partition: 0, topicId: TOPIC_ID }), {
      code: 'INVALID_TOPIC_EXCEPTION',
    })
  }
  await t.rejects(directory.createPartition({ topic: 't', partition: -1, topicId: TOPIC_ID }), {
    code: 'INVALID_PARTITIONS',
  })
  await t.rejects(directory.deletePartition({ topic: 'u', partition: 0 }), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  await directory.createPartition({ topic: 'u', partition: 3, topicId: 'u'.repeat(22) })
  const afterCreation = await openDirectory({ vfs: crashed(vfs, 'created', 0) })
  t.same([...afterCreation.partitions.keys()].sort(), ['t-0', 'u-3'])
  t.equal(afterCreation.partitions.get('u-3')?.topicId, 'u'.repeat(22))
  await afterCreation.close()
  await directory.deletePartition({ topic: 't', partition: 0 })
  await t.rejects(log.read({ offset: 0 }), { code: 'CLOSED' })
  const afterDeletion = await openDirectory({ vfs: crashed(vfs, 'deleted', 0) })
  t.same([...afterDeletion.partitions.keys()], ['u-3'])
  t.same(afterDeletion.findings, [])
  await afterDeletion.close()
  // Another topic under the old name gets nothing of the old one's, not even its offsets.
  await directory.createPartition({ topic: 't', partition: 0, topicId: 'n'.repeat(22) })
  const renewed = await openLog({ vfs: crashed(vfs, 'renewed', 100) })
  t.match(renewed.log, { topicId: 'n'.repeat(22), logStartOffset: 0, logEndOffset: 0 })
  t.same(renewed.directory.findings, [])
  await renewed.directory.close()
  await directory.close()
})

t.test('a creation that was cut or failed leaves nothing that another topic inherits', async t => {
  let cuts = 0
  for (let nth = 1; nth < 40; nth++) {
    const disk = new MemFs({ crashable: true })
    const fs = new FaultFs(disk)
    const directory = await openDirectory({ vfs: fs })
    fs.fail({ nth, errno: 'ENOSPC', times: 3, path: 't-0' })
    const made = await directory
      .createPartition({ topic: 't', partition: 0, topicId: TOPIC_ID })
      .catch(() => undefined)
    const clone = crashed(disk, nth, 50)
    if (made === undefined) {
      cuts++
      const log = await directory
        .createPartition({ topic: 't', partition: 0, topicId: 'n'.repeat(22) })
        .catch(() => undefined)
      if (log !== undefined) t.match(log, { topicId: 'n'.repeat(22), logEndOffset: 0 })
    }
    await directory.close().catch(() => undefined)
    const again = await openDirectory({ vfs: clone })
    const found = again.partitions.get('t-0')
    if (made !== undefined) t.equal(found?.topicId, TOPIC_ID)
    else if (found === undefined) {
      const log = await again.createPartition({ topic: 't', partition: 0, topicId: 'n'.repeat(22) })
      t.equal(log.topicId, 'n'.repeat(22))
    }
    await again.close()
  }
  t.ok(cuts > 3, `${cuts} creations were cut`)
})

t.test('a creation that failed at its last step can be tried again', async t => {
  const vfs = new FaultFs(new MemFs())
  const directory = await openDirectory({ vfs })
  // The first sync of the folder belongs to `partition.metadata`, the second one to the log.
  vfs.fail({ operation: 'syncDir', path: /t-0$/, errno: 'EMFILE', nth: 2, times: 2 })
  const partition = { topic: 't', partition: 0, topicId: TOPIC_ID }
  await t.rejects(directory.createPartition(partition), { code: 'TOO_MANY_OPEN_FILES' })
  const log = await directory.createPartition(partition)
  t.equal((await log.append(numbers(0, 1))).baseOffset, 0)
  await directory.close()
})

t.test(
  'a partition whose folder is gone goes on behind what was durable, and says what is missing',
  async t => {
    const vfs = new MemFs()
    const { directory, log } = await openLog({ vfs })
    await log.append(numbers(0, 5))
    await directory.close()
    vfs.sync.removeTree('/data/t-0')
    const again = await openLog({ vfs })
    t.same(
      again.directory.findings.map(({ kind }) => kind),
      ['missing-data'],
    )
    await t.rejects(again.log.read({ offset: 0 }), { code: 'CORRUPT_MESSAGE' })
    t.equal((await again.log.append(numbers(5, 1))).baseOffset, 5)
    await again.directory.deletePartition({ topic: 't', partition: 0 })
    const other = { topic: 't', partition: 0, topicId: 'n'.repeat(22) }
    t.equal((await again.directory.createPartition(other)).logEndOffset, 0, 'another topic inherits nothing')
    await again.directory.close()
  },
)

t.test('unknown folders and files are named and left alone', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  await directory.close()
  vfs.sync.mkdir('/data/t-0-stray')
  vfs.sync.mkdir('/data/t-9.0123456789abcdef0123456789abcdef-delete')
  put(vfs, '/data/t-0/notes.txt', 'mine')
  put(vfs, '/data/README', 'mine')
  const again = await openLog({ vfs })
  t.same(again.directory.findings.map(finding => finding.kind).sort(), ['unknown-file', 'unknown-folder'])
  t.same(await valuesFrom(again.log), range(0, 10))
  await again.directory.close()
  t.equal(vfs.sync.readFile('/data/t-0/notes.txt').toString(), 'mine')
  t.ok(vfs.sync.stat('/data/t-0-stray'))
  t.notOk(vfs.sync.stat('/data/t-9.0123456789abcdef0123456789abcdef-delete'), 'what a deletion left goes')
})

t.test('a directory is created on a full or read-only disk with one clear error', async t => {
  for (const [errno, code] of [
    ['ENOSPC', 'DISK_FULL'],
    ['EROFS', 'READ_ONLY_FILE_SYSTEM'],
    ['EACCES', 'NOT_PERMITTED'],
  ] as const) {
    const fs = new FaultFs(new MemFs())
    fs.fail({ operation: ['write', 'mkdir', 'ensureDir', 'open'], errno, times: Infinity })
    await t.rejects(openDirectory({ vfs: fs }), { code }, errno)
  }
})
