import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FakeClock, isVarveError, MemFs, NodeFs, type Vfs, type VarveError } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { config, DAY, numbers, openLog, range, valuesFrom } from './helpers.ts'

const KIB = 1024
const small = config({ segmentBytes: 128 * KIB, fileDeleteDelayMs: 0 })

/** Appends records of about 1 KiB until one is refused. */
async function fill(log: PartitionLog, most = 20_000): Promise<{ count: number; error: VarveError }> {
  for (let count = 0; count < most; count++) {
    try {
      await log.append(numbers(log.logEndOffset, 1, { bytes: KIB }))
    } catch (error) {
      if (isVarveError(error)) return { count, error }
      throw error
    }
  }
  throw new Error(`${most} appends filled nothing`)
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

/** The refusal sets off a measurement, which takes its time on a real disk. */
async function untilAccepted(log: PartitionLog): Promise<void> {
  for (let turn = 0; turn < 1_000_000; turn++) {
    const append = log.append(numbers(log.logEndOffset, 1, { bytes: KIB }))
    if ((await Promise.allSettled([append]))[0].status === 'fulfilled') return
    await new Promise(setImmediate)
  }
}

async function refusesEarlyAndHeals(t: Tap, vfs: Vfs, path: string, segmentBytes: number): Promise<void> {
  const { LogDirectory } = await import('../src/directory/log-directory.ts')
  const { NodeMachine } = await import('../src/lock/node-machine.ts')
  const { cryptoRandom, realClock } = await import('@varve/platform')
  const small = config({ segmentBytes, fileDeleteDelayMs: 0 })
  const machine = vfs instanceof NodeFs ? { machine: new NodeMachine() } : {}
  const options = { vfs, clock: realClock, random: cryptoRandom, configOf: () => small, ...machine }
  const directory = await LogDirectory.open(path, options)
  const log = await directory.createPartition({
    topic: 't',
    partition: 0,
    topicId: 'T'.repeat(22),
    config: small,
  })
  const { count, error } = await fill(log)
  t.match(error, { code: 'DISK_FULL', retriable: true, message: /kept free/ })
  t.ok(count > 50, `${count} records fit`)
  t.ok((await vfs.spaceLeft(path)) > 0, 'the disk is not full')
  t.same(
    await valuesFrom(log, log.logEndOffset - 20, 64 * KIB),
    range(log.logEndOffset - 20, log.logEndOffset),
  )
  await t.resolves(log.append(numbers(log.logEndOffset, 1, { bytes: KIB }), { useHeadroom: true }))
  await log.deleteRecords(log.logEndOffset - 5)
  await untilAccepted(log)
  t.ok((await fill(log)).count > 20, 'there is room again')
  const end = log.logEndOffset
  await directory.close()
  const again = await LogDirectory.open(path, options)
  t.ok(again.wasClean, 'a full disk is closed in order')
  const reopened = again.partitions.get('t-0')
  t.equal(reopened?.logEndOffset, end)
  if (reopened !== undefined)
    t.ok((await fill(reopened)).count < 60, 'opening again leaves as much free as before')
  await again.close()
}

type Tap = typeof t

t.test('appends are refused before the disk is full, and go on when there is room', async t => {
  await refusesEarlyAndHeals(t as unknown as Tap, new MemFs({ bytesMax: 1024 * KIB }), '/data', 16 * KIB)
})

t.test('a real small disk', async t => {
  const path = mkdtempSync(join(tmpdir(), 'varve-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    rmdirSync(path)
    t.pass('a tmpfs', { skip: 'to mount one takes root' })
    return
  }
  t.teardown(() => {
    execFileSync('umount', ['-l', path])
    rmdirSync(path)
  })
  await refusesEarlyAndHeals(t as unknown as Tap, new NodeFs(), join(path, 'data'), 128 * KIB)
})

/** A disk of which a test says how much is left. */
function diskWith(left: { bytes: number }): FaultFs {
  const vfs = new FaultFs(new MemFs())
  vfs.spaceLeft = () => Promise.resolve(left.bytes)
  return vfs
}

t.test('what others write to the disk is noticed within a second', async t => {
  const clock = new FakeClock(DAY)
  const left = { bytes: 10 ** 9 }
  const { directory, log } = await openLog({ vfs: diskWith(left), clock, config: small })
  await log.append(numbers(0, 1))
  left.bytes = 64 * KIB * KIB - 1
  await log.append(numbers(1, 1))
  clock.advance(1000)
  await log.append(numbers(2, 1))
  await settle()
  await t.rejects(log.append(numbers(3, 1)), {
    code: 'DISK_FULL',
    context: { min: 64 * KIB * KIB },
  })
  left.bytes = 64 * KIB * KIB + KIB
  await log.append(numbers(3, 1)).catch(() => undefined)
  await settle()
  t.equal((await log.append(numbers(3, 1))).baseOffset, 3, 'and it heals without any time passing')
  await directory.close()
})

t.test('a burst is measured by its bytes, whatever the clock says', async t => {
  const left = { bytes: 30 * KIB * KIB }
  const { directory, log } = await openLog({
    vfs: diskWith(left),
    config: config(),
    headroomBytes: 2 * KIB * KIB,
  })
  const half = numbers(0, 400, { bytes: KIB })
  const appends = await Promise.allSettled(Array.from({ length: 200 }, () => log.append(Buffer.from(half))))
  const refused = appends.filter(({ status }) => status === 'rejected').length
  t.equal(200 - refused, Math.floor((28 * KIB * KIB) / half.length))
  await directory.close()
})

t.test('without headroom, and where the space cannot be told, only the disk itself refuses', async t => {
  const left = { bytes: 10 }
  const none = await openLog({ vfs: diskWith(left), config: small, headroomBytes: 0 })
  await none.log.append(numbers(0, 1))
  await none.directory.close()
  const vfs = new FaultFs(new MemFs())
  const fault = vfs.fail({ operation: 'spaceLeft', times: Infinity })
  const { directory, log } = await openLog({ vfs, config: small })
  await log.append(numbers(0, 1))
  t.ok(fault.fired > 0)
  await directory.close()
})
