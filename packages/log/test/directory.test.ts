import t from 'tap'
import { MemFs } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { replaceFile } from '../src/checkpoints/checkpoint-file.ts'
import { LeaderEpochs } from '../src/checkpoints/leader-epoch-checkpoint.ts'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import {
  config,
  crashed,
  damage,
  numbers,
  openDirectory,
  openLog,
  range,
  TOPIC_ID,
  valuesFrom,
} from './helpers.ts'

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

/** Closes a directory whose power fails before each operation of the close: what each left. */
async function cutCloses(): Promise<MemFs[]> {
  const vfs = new MemFs({ crashable: true })
  const left: MemFs[] = []
  let closing = false
  const fs = new FaultFs(vfs, {
    onOperation({ number }) {
      if (closing) left.push(crashed(vfs, number, 50))
    },
  })
  const { directory, log } = await openLog({ vfs: fs, config: config({ flushMessages: 1000 }) })
  await log.append(numbers(0, 10))
  closing = true
  await directory.close()
  return [...left, crashed(vfs, 'closed', 0)]
}

t.test(
  'a directory with a clean marker has everything that a clean one has, wherever a close was cut',
  async t => {
    const incomplete = async (): Promise<number> => {
      let marked = 0
      let found = 0
      for (const vfs of await cutCloses()) {
        if (!names(vfs).includes('.kafka_cleanshutdown')) continue
        marked++
        const points = vfs.sync.stat('/data/recovery-point-offset-checkpoint')
        const text = points && vfs.sync.readFile('/data/recovery-point-offset-checkpoint').toString()
        const log = vfs.sync.readFile('/data/t-0/00000000000000000000.log')
        if (text !== '0\n1\nt 0 10\n' || log.length < 100 || log.every(byte => byte === 0)) found++
      }
      t.ok(marked > 0)
      return found
    }
    t.equal(await incomplete(), 0)
    t.teardown(plant('cleanMarkerEarly'))
    t.ok((await incomplete()) > 0, 'the bug of a marker that is written first is found')
  },
)

t.test('a small file that was replaced is there after a power cut, and so are the epochs', async t => {
  const lost = async (): Promise<number> => {
    const vfs = new MemFs({ crashable: true })
    vfs.sync.mkdir('/data')
    vfs.sync.syncDir('/')
    let count = 0
    for (let version = 0; version < 5; version++) {
      await replaceFile(vfs, '/data/some-checkpoint', `version ${version}`)
      const epochs = new LeaderEpochs([{ epoch: version, startOffset: 7 }])
      await epochs.write(vfs, '/data')
      const left = crashed(vfs, version, 0)
      const there = (path: string, wanted: string): boolean =>
        left.sync.stat(path) !== undefined && left.sync.readFile(path).toString() === wanted
      if (!there('/data/some-checkpoint', `version ${version}`)) count++
      if (!there('/data/leader-epoch-checkpoint', `0\n1\n${version} 7\n`)) count++
    }
    return count
  }
  t.equal(await lost(), 0)
  for (const bug of ['checkpointRenameUnsynced', 'epochFileUnsynced'] as const) {
    const heal = plant(bug)
    t.ok((await lost()) > 0, `${bug} is found`)
    heal()
  }
})

t.test("a topic's name leads nowhere but into the directory", async t => {
  const refusals: unknown[] = []
  const outside = async (): Promise<string[]> => {
    const vfs = new MemFs()
    const directory = await openDirectory({ vfs })
    for (const topic of ['../evil', '/evil', '..', 'a/../../evil'])
      await directory
        .createPartition({ topic, partition: 0, topicId: TOPIC_ID })
        .catch((error: unknown) => refusals.push(error))
    await directory.close()
    return names(vfs, '/').filter(name => name !== 'data')
  }
  t.same(await outside(), [])
  t.match(
    refusals,
    Array.from({ length: 4 }, () => ({ code: 'INVALID_TOPIC_EXCEPTION' })),
  )
  t.teardown(plant('topicNameAsPath'))
  t.not((await outside()).length, 0, 'the bug of a name as a path is found')
})

t.test('a folder that cannot be opened takes its own partition offline and no other', async t => {
  for (const [errno, operation, path] of [
    ['EACCES', 'list', /t-1$/],
    ['EACCES', 'readFile', /t-1.partition\.metadata/],
    ['ELOOP', 'stat', /t-1.*\.log/],
    ['ENOENT', 'list', /t-1$/],
  ] as const) {
    const vfs = new MemFs()
    const first = await openDirectory({ vfs })
    for (let partition = 0; partition < 3; partition++) {
      const log = await first.createPartition({ topic: 't', partition, topicId: TOPIC_ID })
      await log.append(numbers(0, 10))
    }
    await first.close()
    const before = snapshot(vfs, '/data/t-1')
    const fs = new FaultFs(vfs)
    fs.fail({ operation, path, errno, times: Infinity })
    const directory = await openDirectory({ vfs: fs })
    t.match(
      directory.findings,
      [{ kind: 'partition-offline', topic: 't', partition: 1, path: /t-1/, message: /t-1/ }],
      `${errno} of ${operation}`,
    )
    const log = directory.partition({ topic: 't', partition: 1 })
    t.match(log, { isUnopened: true, logEndOffset: 10, offline: { code: 'KAFKA_STORAGE_ERROR' } })
    const error = { code: 'KAFKA_STORAGE_ERROR', context: { path: /t-1/ } }
    await t.rejects(async () => log?.append(numbers(10, 1)), error)
    await t.rejects(async () => log?.read({ offset: 0 }), error)
    await t.rejects(async () => log?.offsetForTimestamp(0), error)
    for (const partition of [0, 2]) {
      const other = directory.partition({ topic: 't', partition })
      t.equal((await other?.append(numbers(10, 1)))?.baseOffset, 10)
    }
    await directory.flush()
    await directory.close()
    t.notOk(names(vfs).includes('.kafka_cleanshutdown'), 'it was not closed in order')
    t.same(snapshot(vfs, '/data/t-1'), before, 'and nothing of it was touched')
    const again = await openDirectory({ vfs })
    t.same(again.findings, [])
    const healed = again.partition({ topic: 't', partition: 1 })
    if (healed !== undefined) t.same(await valuesFrom(healed), range(0, 10))
    await again.close()
  }
})

t.test('a disk that fails, or a lack of handles, is the matter of the whole directory', async t => {
  for (const [errno, cause] of [
    ['EIO', 'IO_ERROR'],
    ['EMFILE', 'TOO_MANY_OPEN_FILES'],
  ] as const) {
    const vfs = new MemFs()
    const { directory } = await openLog({ vfs })
    await directory.close()
    const fs = new FaultFs(vfs)
    fs.fail({ operation: 'list', path: /t-0$/, errno, times: Infinity })
    await t.rejects(openDirectory({ vfs: fs }), { code: 'KAFKA_STORAGE_ERROR', cause: { code: cause } })
    const again = await openDirectory({ vfs })
    t.same(again.findings, [])
    await again.close()
  }
})

t.test('what is of another kind than its name says is named, with what was wanted and found', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  await directory.close()
  put(vfs, '/data/u-0', 'a file')
  vfs.sync.mkdir('/data/t-0/00000000000000000010.log')
  const again = await openDirectory({ vfs })
  t.match(
    again.findings.map(({ kind, path }) => [kind, path]),
    [
      ['unknown-file', '/data/u-0'],
      ['partition-offline', '/data/t-0/00000000000000000010.log'],
    ],
  )
  t.match(again.partitions.get('t-0')?.offline, {
    context: { path: '/data/t-0/00000000000000000010.log', wanted: 'file', found: 'folder' },
  })
  await t.rejects(again.createPartition({ topic: 'u', partition: 0, topicId: TOPIC_ID }), {
    code: 'ALREADY_EXISTS',
    context: { path: '/data/u-0', wanted: 'folder', found: 'file' },
  })
  await again.close()
})

t.test('a segment or a folder that vanishes while its log is open is named', async t => {
  const vfs = new MemFs()
  const settings = config({ segmentBytes: 1500 })
  const { directory, log } = await openLog({ vfs, config: settings, openFilesMax: 1 })
  for (let batch = 0; batch < 30; batch++) await log.append(numbers(batch * 10, 10))
  const other = await directory.createPartition({ topic: 'u', partition: 0, topicId: TOPIC_ID })
  await other.append(numbers(0, 1))
  const [first, second] = log.segments
  vfs.sync.unlink(first?.path ?? '')
  await t.rejects(log.read({ offset: 0 }), {
    code: 'CORRUPT_MESSAGE',
    context: { path: first?.path, offset: 0 },
  })
  t.ok((await log.read({ offset: second?.baseOffset ?? 0 })).bytes.length > 0, 'the others stay readable')
  await other.append(numbers(1, 1))
  vfs.sync.removeTree('/data/t-0')
  await t.rejects(log.append(numbers(300, 1)), { code: 'KAFKA_STORAGE_ERROR', context: { path: /t-0/ } })
  t.equal((await other.append(numbers(2, 1))).baseOffset, 2)
  await directory.close().catch(() => undefined)
})

t.test('a deletion that failed can be tried again, and its name is free then', async t => {
  for (const [operation, path] of [
    ['rename', /t-0 .*-delete$/],
    ['syncDir', /^\/data$/],
  ] as const) {
    const vfs = new FaultFs(new MemFs())
    const { directory, log } = await openLog({ vfs })
    await log.append(numbers(0, 10))
    vfs.fail({ operation, path })
    const of = { topic: 't', partition: 0 }
    await t.rejects(directory.deletePartition(of), { code: 'IO_ERROR' }, operation)
    await t.rejects(log.read({ offset: 0 }), { code: 'CLOSED' })
    await directory.deletePartition(of)
    t.equal(directory.partition(of), undefined)
    const renewed = await directory.createPartition({ ...of, topicId: 'n'.repeat(22) })
    t.equal((await renewed.append(numbers(0, 1))).baseOffset, 0)
    await directory.close()
  }
})
