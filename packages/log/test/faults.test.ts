import t from 'tap'
import { FakeClock, isVarveError, MemFs } from '@varve/platform'
import { FaultFs, type Operation } from '@varve/testkit'
import { logLimits } from '../src/limits.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import {
  config,
  crashed,
  DAY,
  numbers,
  openDirectory,
  openLog,
  range,
  TOPIC_ID,
  valuesFrom,
} from './helpers.ts'

const settings = config({ segmentBytes: 1200, indexIntervalBytes: 200 })

/** Creates, appends with rolls, reads, closes, reopens, appends: what of it was acknowledged. */
async function workload(fs: FaultFs, acknowledged: Map<number, string>): Promise<void> {
  for (let life = 0; life < 2; life++) {
    const machine = new FakeMachine({ bootId: `boot-${life}` })
    const { directory, log } = await openLog({ vfs: fs, machine, config: settings })
    try {
      const appends: Promise<void>[] = []
      for (let batch = 0; batch < 6; batch++) {
        const from = 1000 * life + batch * 10
        appends.push(
          log.append(numbers(from, 5)).then(({ baseOffset }) => {
            for (let index = 0; index < 5; index++) acknowledged.set(baseOffset + index, String(from + index))
          }),
        )
        if (batch % 3 === 2) await Promise.allSettled(appends)
      }
      await Promise.all(appends)
      await valuesFrom(log, 0, 300)
    } finally {
      await directory.close()
    }
  }
}

async function survives(t: Tap, vfs: MemFs, acknowledged: Map<number, string>, what: string): Promise<void> {
  const machine = new FakeMachine({ bootId: 'afterwards' })
  const { directory, log } = await openLog({ vfs, machine, config: settings })
  const values = await valuesFrom(log)
  const lost = [...acknowledged].filter(([offset, value]) => values[offset] !== value)
  t.same(lost, [], `${what}: everything acknowledged is there`)
  t.equal((await log.append(numbers(0, 1))).baseOffset, values.length, `${what}: and it goes on`)
  t.equal(directory.openFiles <= 9, true, `${what}: few handles`)
  await directory.close()
  t.equal(directory.openFiles, 0, `${what}: no handle is left`)
}

interface Tap {
  same(found: unknown, wanted: unknown, message: string): void
  equal(found: unknown, wanted: unknown, message: string): void
}

/** Only failures are told: there are thousands of checks. */
function quiet(t: { fail(message: string): void }): Tap {
  const same = (found: unknown, wanted: unknown, message: string): void => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) t.fail(`${message}: ${JSON.stringify(found)}`)
  }
  return { same, equal: same }
}

const failures: { errno: string; operation?: Operation }[] = [
  { errno: 'EIO' },
  { errno: 'ENOSPC', operation: 'write' },
  { errno: 'EMFILE', operation: 'open' },
]

for (const { errno, operation } of failures) {
  t.test(
    `every ${operation ?? 'operation'} fails in turn with ${errno}: nothing acknowledged is lost`,
    async t => {
      const counter = new FaultFs(new MemFs())
      await workload(counter, new Map())
      const total = operation === undefined ? counter.operations : counter.count(operation)
      for (let nth = 1; nth <= total; nth++) {
        const disk = new MemFs({ crashable: true })
        const fs = new FaultFs(disk)
        const shortBytes = operation === 'write' ? { shortBytes: 7 } : {}
        const fault = fs.fail({
          nth,
          errno,
          ...shortBytes,
          ...(operation === undefined ? {} : { operation }),
        })
        const acknowledged = new Map<number, string>()
        await workload(fs, acknowledged).catch((error: unknown) => {
          if (!isVarveError(error)) t.fail(`${nth}: ${String(error)}`)
        })
        if (fault.fired === 0) t.fail(`number ${nth} of ${total} never came`)
        // In turn what the process leaves, and what a power cut leaves.
        const left = nth % 2 === 0 ? disk : crashed(disk, nth, 50)
        await survives(quiet(t), left, acknowledged, `number ${nth}`)
      }
      t.pass(`${total} failed in turn`)
    },
  )
}

t.test('a full disk refuses appends, keeps serving reads, and heals when space returns', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  await log.append(numbers(0, 10))
  const fault = fs.fail({ operation: 'write', path: '.log', shortBytes: 33, times: 2 })
  const results = await Promise.allSettled([log.append(numbers(10, 10)), log.append(numbers(20, 10))])
  for (const result of results) {
    t.equal(result.status, 'rejected')
    if (result.status === 'rejected')
      t.match(result.reason, { code: 'DISK_FULL', retriable: true, context: { topic: 't', partition: 0 } })
  }
  t.same(await valuesFrom(log), range(0, 10))
  await t.rejects(log.append(numbers(10, 10)), { code: 'DISK_FULL' })
  t.equal(fault.fired, 2)
  t.equal((await log.append(numbers(10, 10))).baseOffset, 10)
  t.same(await valuesFrom(log), range(0, 20))
  await directory.close()
})

t.test(
  'a failed write that cannot be cut takes the partition offline, and a reopen finds the way',
  async t => {
    const fs = new FaultFs(new MemFs())
    const { directory, log } = await openLog({ vfs: fs })
    await log.append(numbers(0, 10))
    fs.fail({ operation: 'write', path: '.log', shortBytes: 50 })
    fs.fail({ operation: 'truncate', path: '.log' })
    await t.rejects(log.append(numbers(10, 10)), { code: 'KAFKA_STORAGE_ERROR' })
    await t.rejects(log.append(numbers(10, 10)), { code: 'KAFKA_STORAGE_ERROR' })
    t.ok(log.offline)
    t.same(await valuesFrom(log), range(0, 10))
    await t.rejects(directory.close(), { code: 'KAFKA_STORAGE_ERROR' })
    const again = await openLog({ vfs: fs })
    t.same(
      again.directory.findings.map(finding => finding.kind),
      ['torn-tail'],
    )
    t.equal((await again.log.append(numbers(10, 10))).baseOffset, 10)
    await again.directory.close()
  },
)

for (const flushMessages of [1, Number.MAX_SAFE_INTEGER]) {
  t.test(`a failed sync takes the partition offline for good, flush.messages=${flushMessages}`, async t => {
    const disk = new MemFs({ crashable: true })
    const fs = new FaultFs(disk)
    const { directory, log } = await openLog({ vfs: fs, config: config({ flushMessages }) })
    await log.append(numbers(0, 10))
    await log.flush()
    fs.fail({ operation: 'datasync', path: '.log' })
    const waiting = [log.append(numbers(10, 10)), log.append(numbers(20, 10))]
    if (flushMessages === 1)
      for (const append of waiting) await t.rejects(append, { code: 'KAFKA_STORAGE_ERROR' })
    else
      await t.rejects(
        Promise.all(waiting).then(() => log.flush()),
        { code: 'KAFKA_STORAGE_ERROR' },
      )
    await t.rejects(log.append(numbers(30, 10)), { code: 'KAFKA_STORAGE_ERROR' })
    t.equal(log.highWatermark, 10)
    t.same(await valuesFrom(log), range(0, 10))
    for (const upTo of ['highWatermark', 'logEnd'] as const)
      await t.rejects(
        log.read({ offset: 10, upTo }),
        { code: 'KAFKA_STORAGE_ERROR' },
        'nothing above is shown in any way, and who waits for it is told',
      )
    await t.rejects(directory.close(), { code: 'KAFKA_STORAGE_ERROR' })
    const again = await openLog({ vfs: fs })
    t.equal(again.log.logEndOffset, 10, 'what the page cache shows is not believed')
    t.same(
      again.directory.findings.map(finding => finding.kind),
      ['untrusted-tail'],
    )
    await again.log.append(numbers(10, 10))
    const after = await openLog({ vfs: crashed(disk, 'after', 0) })
    t.same(await valuesFrom(after.log), range(0, 20))
    await after.directory.close()
    await again.directory.close()
  })
}

t.test('an append that is written and not synced yet says so, and is not to be sent again', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs, config: settings })
  await log.append(numbers(0, 5))
  // Again after each of the two handles that are kept was given back.
  fs.fail({ operation: 'syncDir', path: /t-0$/, errno: 'EMFILE', times: 3 })
  const refused: number[] = []
  for (let from = 5; from < 60; from += 5) {
    await log.append(numbers(from, 5)).catch((error: unknown) => {
      t.match(error, { code: 'TOO_MANY_OPEN_FILES', retriable: false, message: /may still become visible/ })
      refused.push(from)
    })
  }
  t.equal(refused.length, 1)
  t.same(await valuesFrom(log), range(0, 60), 'it came with the next one')
  await directory.close()
})

t.test('a failed sync whose note is lost with the process is not trusted by recovery either', async t => {
  const disk = new MemFs({ crashable: true })
  const fs = new FaultFs(disk)
  const machine = new FakeMachine()
  const { directory, log } = await openLog({ vfs: fs, machine })
  await log.append(numbers(0, 10))
  fs.fail({ operation: 'datasync', path: '.log' })
  fs.fail({ operation: 'rename', path: 'durable-offsets', times: Infinity })
  await t.rejects(log.append(numbers(10, 10)), { code: 'KAFKA_STORAGE_ERROR' })
  fs.cutPower()
  machine.kill()
  await directory.close().catch(() => undefined)
  const again = await openLog({ vfs: disk, machine: machine.spawn() })
  const seen = await valuesFrom(again.log)
  t.equal(seen.length, 20, 'it is whole and readable')
  const after = await openLog({
    vfs: crashed(disk, 'after', 0),
    machine: new FakeMachine({ bootId: 'after' }),
  })
  t.same(await valuesFrom(after.log), seen, 'so it was written anew, not only synced')
  await after.directory.close()
  await again.directory.close()
})

t.test('a log that is closed while it syncs behind the writes is durable only if that sync is', async t => {
  const fs = new FaultFs(new MemFs())
  const settings = config({ flushMessages: 3 })
  const { directory, log } = await openLog({ vfs: fs, config: settings })
  await log.append(numbers(0, 1))
  await log.flush()
  const hold = fs.hold({ operation: 'datasync', path: '.log' })
  await log.append(numbers(1, 3))
  await hold.reached()
  fs.fail({ operation: 'datasync', path: '.log' })
  let closed = false
  const closing = directory.close().finally(() => {
    closed = true
  })
  for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
  t.equal(log.durableOffset, 1, 'nothing is taken for durable before its sync')
  t.notOk(closed)
  hold.release()
  await t.rejects(closing, { code: 'KAFKA_STORAGE_ERROR' })
  t.equal(log.durableOffset, 1)
  const again = await openLog({ vfs: fs, config: settings })
  t.same(await valuesFrom(again.log), ['0'], 'what the disk may not have is not trusted')
  await again.directory.close()
})

t.test('the bug of a failed sync that is tried again is found', async t => {
  t.teardown(plant('failedSyncRetried'))
  const disk = new MemFs({ crashable: true })
  const fs = new FaultFs(disk)
  const { directory, log } = await openLog({ vfs: fs })
  await log.append(numbers(0, 10))
  fs.fail({ operation: 'datasync', path: '.log' })
  await log.append(numbers(10, 10))
  const after = await openLog({ vfs: crashed(disk, 'retried', 0) })
  t.ok(after.log.logEndOffset < 20, 'an acknowledged append is lost')
  await after.directory.close()
  await directory.close().catch(() => undefined)
})

t.test('the bug of a high watermark before the sync is found', async t => {
  const check = async (): Promise<number> => {
    const fs = new FaultFs(new MemFs())
    const { directory, log } = await openLog({ vfs: fs })
    const hold = fs.hold({ operation: 'datasync', path: '.log' })
    const append = log.append(numbers(0, 10))
    await hold.reached()
    const shown = log.highWatermark
    hold.release()
    await append
    await directory.close()
    return shown
  }
  t.equal(await check(), 0)
  t.teardown(plant('highWatermarkBeforeDurable'))
  t.equal(await check(), 10)
})

t.test('one sync covers all that waits, in one write', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  const hold = fs.hold({ operation: 'datasync', path: '.log' })
  const first = log.append(numbers(0, 1))
  await hold.reached()
  const writes = fs.count('write')
  const syncs = fs.count('datasync')
  const rest = Array.from({ length: 100 }, (_, index) => log.append(numbers(1 + index, 1)))
  hold.release()
  await Promise.all([first, ...rest])
  t.equal(fs.count('write') - writes, 1)
  t.ok(fs.count('datasync') - syncs <= 2)
  t.same(await valuesFrom(log), range(0, 101))
  await directory.close()
})

t.test('64 writers that come back when they are told share every sync, and none falls behind', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  await log.append(numbers(0, 1))
  const syncs = fs.count('datasync')
  const rounds: number[] = []
  await Promise.all(
    Array.from({ length: 64 }, async (_, writer) => {
      for (let turn = 0; turn < 20; turn++) {
        await log.append(numbers(writer, 1))
        rounds.push(turn)
      }
    }),
  )
  const spent = fs.count('datasync') - syncs
  t.ok(spent <= 22, `${spent} syncs for 20 appends of each writer`)
  t.same(
    rounds,
    [...rounds].sort((a, b) => a - b),
    'nobody is told of a later append before everybody is of the earlier one',
  )
  await directory.close()
})

t.test('appends beyond the limit of the queue wait their turn', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs, config: config({ maxMessageBytes: 2 ** 30 }) })
  const hold = fs.hold({ operation: 'datasync', path: '.log' })
  const big = logLimits.appendQueueBytesMax / 2
  const infos = [0, 1, 2, 3].map(from => log.append(numbers(from, 1, { bytes: big - 1000 })))
  await hold.reached()
  t.equal(log.logEndOffset <= 2, true, 'two of them are under way')
  hold.release()
  t.same(
    (await Promise.all(infos)).map(info => info.baseOffset),
    [0, 1, 2, 3],
  )
  await directory.close()
})

t.test('flush.ms syncs behind the acknowledgement, on the clock that was handed in', async t => {
  const clock = new FakeClock(DAY)
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({
    vfs: fs,
    clock,
    config: config({ flushMessages: 1000, flushMs: 50 }),
  })
  await log.flush()
  await log.append(numbers(0, 10))
  t.equal(log.highWatermark, 10)
  t.equal(log.durableOffset, 0)
  await clock.advanceAsync(60)
  await log.flush()
  t.equal(log.durableOffset, 10)
  const many = log.append(numbers(10, 1000))
  await many
  await clock.advanceAsync(1)
  await log.flush()
  t.equal(log.durableOffset, 1010)
  await directory.close()
})

t.test('no more files are open than allowed, and all partitions work', async t => {
  const vfs = new MemFs()
  const directory = await openDirectory({ vfs, openFilesMax: 4, configOf: () => settings })
  const names = Array.from({ length: 20 }, (_, partition) => partition)
  await Promise.all(
    names.map(partition => directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })),
  )
  let most = 0
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      [...directory.partitions.values()].map(async log => {
        await log.append(numbers(round * 10, 10))
        most = Math.max(most, directory.openFiles)
        await log.read({ offset: round * 10 })
        most = Math.max(most, directory.openFiles)
      }),
    )
  }
  t.ok(most <= 4, `${most} at once`)
  for (const log of directory.partitions.values()) t.same(await valuesFrom(log), range(0, 50))
  await directory.close()
  t.equal(directory.openFiles, 0)
})
