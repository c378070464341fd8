import t from 'tap'
import { FakeClock, MemFs, type Vfs } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { config, DAY, numbers, openDirectory, openLog, range, TOPIC_ID, valuesFrom } from './helpers.ts'

const OTHER_ID = 'LcEh0CeWT6appgxEAW289B'
const LOG = /t-0\/0{20}\.log$/

/** A file system whose next call of one kind is done, and then waits with its answer. */
function answeringLate(inner: MemFs, call: 'open' | 'stat'): { vfs: Vfs; late: Late } {
  const late = new Late()
  const slow = async <T>(path: string, done: Promise<T>): Promise<T> => {
    const answer = await done
    if (LOG.test(path)) await late.pass()
    return answer
  }
  const vfs = new Proxy<MemFs>(inner, {
    get(target, name) {
      if (name === call)
        return (path: string, mode: 'read') =>
          slow<unknown>(path, call === 'open' ? target.open(path, mode) : target.stat(path))
      const found: unknown = Reflect.get(target, name)
      return typeof found === 'function' ? (found.bind(target) as unknown) : found
    },
  })
  return { vfs, late }
}

class Late {
  #gate: Promise<void> | undefined
  #reached: () => void = () => undefined
  go: () => void = () => undefined

  /** The next call waits; resolves when it does. */
  next(): Promise<void> {
    this.#gate = new Promise(resolve => (this.go = resolve))
    return new Promise(resolve => (this.#reached = resolve))
  }

  async pass(): Promise<void> {
    const gate = this.#gate
    this.#gate = undefined
    if (gate === undefined) return
    this.#reached()
    await gate
  }
}

t.test('a file of a deleted partition that was being opened is not written to by the next one', async t => {
  const memory = new MemFs()
  const { vfs, late } = answeringLate(memory, 'open')
  const { directory, log } = await openLog({ vfs, openFilesMax: 1 })
  await log.append(numbers(0, 1))
  const other = await directory.createPartition({ topic: 'x', partition: 0, topicId: OTHER_ID })
  await other.append(numbers(0, 1))
  const opening = late.next()
  const reading = log.read({ offset: 0 })
  await opening
  const deleting = directory.deletePartition({ topic: 't', partition: 0 })
  // Long enough for a deletion that does not wait for the open file.
  for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
  late.go()
  await deleting
  await t.rejects(reading, { code: 'CLOSED' })
  const made = await directory.createPartition({ topic: 't', partition: 0, topicId: OTHER_ID })
  await made.append(numbers(7, 1))
  await directory.close()
  const again = await openLog({ vfs: memory })
  t.same(await valuesFrom(again.log), ['7'])
  t.same(again.directory.findings, [])
  await again.directory.close()
})

t.test('of two looks at a log beside its owner the later one does not take the end back', async t => {
  const memory = new MemFs()
  const { directory, log } = await openLog({ vfs: memory })
  await log.append(numbers(0, 1))
  const { vfs, late } = answeringLate(memory, 'stat')
  const beside = await openLog({ vfs, readOnly: true })
  await log.append(numbers(1, 1))
  const looking = late.next()
  const first = beside.log.refresh()
  await looking
  await log.append(numbers(2, 1))
  const second = beside.log.refresh()
  late.go()
  await Promise.all([first, second])
  const end = beside.log.highWatermark
  await beside.log.refresh()
  t.ok(end <= beside.log.highWatermark)
  t.same(await valuesFrom(beside.log), range(0, 3))
  await beside.directory.close()
  await directory.close()
})

t.test(
  'a reader beside an owner is told that its topic was deleted, also if another has the name',
  async t => {
    const vfs = new MemFs()
    const { directory, log } = await openLog({ vfs })
    await log.append(numbers(0, 2))
    const beside = await openLog({ vfs, readOnly: true })
    await directory.deletePartition({ topic: 't', partition: 0 })
    await t.rejects(beside.log.refresh(), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const made = await directory.createPartition({ topic: 't', partition: 0, topicId: OTHER_ID })
    for (let at = 10; at < 16; at++) await made.append(numbers(at, 1))
    await t.rejects(beside.log.refresh(), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await beside.directory.refresh()
    const found = beside.directory.partition({ topic: 't', partition: 0 })
    t.same(found === undefined ? [] : await valuesFrom(found), range(10, 16))
    await beside.directory.close()
    await directory.close()
  },
)

t.test('a partition that its owner deletes while a reader opens it is passed over', async t => {
  const memory = new MemFs()
  const { directory } = await openLog({ vfs: memory })
  await directory.createPartition({ topic: 'u', partition: 0, topicId: OTHER_ID })
  const vfs = new FaultFs(memory)
  const listing = vfs.hold({ operation: 'list', path: /t-0$/ })
  const opening = openDirectory({ vfs, readOnly: true })
  await listing.reached()
  await directory.deletePartition({ topic: 't', partition: 0 })
  listing.release()
  const beside = await opening
  t.same([...beside.partitions.keys()], ['u-0'])
  await beside.close()
  await directory.close()
})

t.test('a sync that falls due while another runs comes behind it', async t => {
  const clock = new FakeClock(DAY)
  const vfs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({
    vfs,
    clock,
    config: config({ flushMessages: 1e6, flushMs: 1000 }),
  })
  await log.append(numbers(0, 1))
  const syncing = vfs.hold({ operation: 'datasync', path: LOG })
  await log.append(numbers(1, 1))
  await clock.advanceAsync(1000)
  await syncing.reached()
  await log.append(numbers(2, 1))
  await clock.advanceAsync(1000)
  syncing.release()
  await clock.advanceAsync(1000)
  t.equal(log.durableOffset, 3)
  await directory.close()
})

t.test('closing waits for a partition that is being made', async t => {
  const vfs = new FaultFs(new MemFs())
  const directory = await openDirectory({ vfs })
  const making = vfs.hold({ operation: 'mkdir', path: 't-0' })
  const made = directory.createPartition({ topic: 't', partition: 0, topicId: TOPIC_ID })
  await making.reached()
  const closing = directory.close()
  making.release()
  await Promise.all([made, closing])
  const again = await openDirectory({ vfs })
  t.same([...again.partitions.keys()], ['t-0'])
  t.ok(again.wasClean)
  await again.close()
})
