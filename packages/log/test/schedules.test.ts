import t from 'tap'
import { FakeClock, MemFs, type Logger } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { Schedule } from '../src/retention/schedule.ts'
import { config, DAY, numbers, openDirectory, openLog, TOPIC_ID } from './helpers.ts'

const HOUR = 3600 * 1000

function logger(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  const log = (_fields: object, message?: string): void => void lines.push(message ?? '')
  return { logger: { debug: () => {}, info: () => {}, warn: log, error: log } as unknown as Logger, lines }
}

const turns = async (count = 50): Promise<void> => {
  for (; count > 0; count--) await new Promise(setImmediate)
}

t.test('a schedule runs what is due in order, on one timer', async t => {
  const clock = new FakeClock(DAY)
  const { logger: quiet, lines } = logger()
  const schedule = new Schedule(clock, quiet)
  const ran: number[] = []
  const delays = [50, 10, 30, 10, 90, 70, 20, 60, 40, 80, 0]
  for (const ms of delays) schedule.after(ms, () => void ran.push(ms))
  const cancelled = schedule.after(5, () => void ran.push(-1))
  t.equal(clock.timers, 1)
  cancelled.cancel()
  await clock.advanceAsync(45)
  t.same(ran, [0, 10, 10, 20, 30, 40])
  t.equal(clock.timers, 1)
  schedule.after(1, () => {
    throw new Error('a task that fails')
  })
  schedule.after(2, async () => Promise.reject(new Error('later')))
  await clock.advanceAsync(100)
  t.same(ran.slice(6), [50, 60, 70, 80, 90], 'a failure ends nothing')
  t.equal(lines.length, 2, 'and is told')
  t.equal(clock.timers, 0)
  let finish = (): void => undefined
  schedule.after(1, () => new Promise<void>(resolve => (finish = resolve)))
  schedule.after(2, () => void ran.push(1000))
  clock.advance(1)
  let closed = false
  const closing = schedule.close().then(() => (closed = true))
  await turns(3)
  t.notOk(closed, 'what runs is waited for')
  finish()
  await closing
  schedule.after(1, () => void ran.push(2000))
  await clock.advanceAsync(100)
  t.equal(ran.at(-1), 90, 'what waited is forgotten')
  t.equal(clock.timers, 0)
})

t.test('flush.ms is kept for each of many partitions, without a timer for each', async t => {
  const clock = new FakeClock(DAY)
  const vfs = new FaultFs(new MemFs())
  const settings = config({ flushMessages: 1_000_000, flushMs: 1000 })
  const directory = await openDirectory({ vfs, clock, configOf: () => settings })
  const logs = await Promise.all(
    Array.from({ length: 30 }, (_, partition) =>
      directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID }),
    ),
  )
  for (const log of logs) await log.append(numbers(0, 1))
  await clock.advanceAsync(1000)
  await turns()
  for (const log of logs) {
    await log.append(numbers(1, 1))
    clock.advance(10)
  }
  t.ok(clock.timers <= 2, `${clock.timers} timers`)
  t.ok(logs.every(log => log.durableOffset === 1))
  await clock.advanceAsync(700)
  await turns()
  const durable = logs.map(log => log.durableOffset)
  t.same(
    durable,
    logs.map((_, slot) => (slot <= 0 ? 2 : 1)),
    'each a second after its append',
  )
  await clock.advanceAsync(300)
  await turns()
  t.ok(logs.every(log => log.durableOffset === 2))
  await directory.close()
  t.equal(clock.timers, 0)
})

t.test('retention is looked after every five minutes, for partitions made later too', async t => {
  const clock = new FakeClock(DAY)
  const settings = config({ retentionMs: HOUR, segmentBytes: 500, fileDeleteDelayMs: 0 })
  const { directory, log } = await openLog({ vfs: new MemFs({ clock }), clock, config: settings })
  const later = await directory.createPartition({
    topic: 'u',
    partition: 0,
    topicId: TOPIC_ID,
    config: settings,
  })
  await log.append(numbers(0, 10))
  await later.append(numbers(0, 10))
  clock.setNow(DAY + 2 * HOUR)
  await clock.advanceAsync(299_999)
  await turns()
  t.equal(log.logStartOffset, 0)
  await clock.advanceAsync(1)
  await turns()
  t.same([log.logStartOffset, later.logStartOffset], [10, 10])
  await log.append(numbers(10, 10))
  clock.setNow(DAY + 4 * HOUR)
  await clock.advanceAsync(300_000)
  await turns()
  t.equal(log.logStartOffset, 20, 'and again')
  await directory.close()
  t.equal(clock.timers, 0)
})

t.test('a check of many partitions lets others have the event loop', async t => {
  const clock = new FakeClock(DAY)
  const directory = await openDirectory({ vfs: new MemFs(), clock, configOf: () => config() })
  for (let partition = 0; partition < 1000; partition++)
    await directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })
  let checked = 0
  for (const log of directory.partitions.values()) {
    const apply = log.applyRetention.bind(log)
    log.applyRetention = () => {
      checked++
      return apply()
    }
  }
  clock.advance(300_000)
  let seen = 0
  for (let turn = 0; turn < 100 && checked < 1000; turn++) {
    await new Promise(setImmediate)
    if (checked > 0 && checked < 1000) seen++
  }
  t.equal(checked, 1000)
  t.ok(seen >= 1, `${seen} turns of the loop in between`)
  await directory.close()
})

t.test('a close in the middle of a check waits for it and leaves nothing running', async t => {
  const clock = new FakeClock(DAY)
  const vfs = new FaultFs(new MemFs({ clock }))
  const settings = config({ retentionBytes: 0, fileDeleteDelayMs: 0 })
  const { directory, log } = await openLog({ vfs, clock, config: settings })
  await log.append(numbers(0, 10))
  const hold = vfs.hold({ operation: 'rename', path: 'log-start-offset-checkpoint' })
  clock.advance(300_000)
  await hold.reached()
  let closed = false
  const closing = directory.close().then(() => (closed = true))
  await turns()
  t.notOk(closed)
  hold.release()
  await closing
  t.equal(clock.timers, 0)
  const operations = vfs.operations
  await clock.advanceAsync(600_000)
  t.equal(vfs.operations, operations)
})
