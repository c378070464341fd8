import t from 'tap'
import { FakeClock, MemFs, SeededRandom } from '@varve/platform'
import { batchOf, FaultFs } from '@varve/testkit'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { config, crashed, DAY, numbers, openLog, range, valuesFrom } from './helpers.ts'

const HOUR = 3600 * 1000

/** Base offsets of the segments after appends of one record each, at these times. */
async function rolls(
  times: readonly number[],
  options: Parameters<typeof config>[0],
  seed = 1,
): Promise<number[]> {
  const { directory, log } = await openLog({
    vfs: new MemFs(),
    config: config(options),
    random: new SeededRandom(seed),
  })
  for (const timestamp of times) await log.append(batchOf([{ value: 'v' }], { timestamp }))
  const offsets = log.segments.map(({ baseOffset }) => baseOffset)
  await directory.close()
  return offsets
}

t.test('segment.ms counts from the first batch to the newest record, as in Kafka', async t => {
  t.same(await rolls([DAY, DAY + HOUR, DAY + HOUR + 1], { segmentMs: HOUR }), [0, 2])
  t.same(await rolls([DAY, DAY - 5 * HOUR, DAY + HOUR], { segmentMs: HOUR }), [0], 'older ones roll nothing')
  t.same(
    await rolls([DAY, -1, DAY + HOUR + 1, -1], { segmentMs: HOUR }),
    [0, 2],
    'nor do those without a time',
  )
})

t.test('where the first batch has no timestamp, segment.ms counts by the clock', async t => {
  const clock = new FakeClock(DAY)
  const { directory, log } = await openLog({ vfs: new MemFs(), clock, config: config({ segmentMs: HOUR }) })
  const append = (): Promise<unknown> => log.append(batchOf([{ value: 'v' }], { timestamp: -1 }))
  await append()
  await append()
  clock.advance(HOUR)
  await append()
  t.equal(log.segments.length, 1)
  clock.advance(1)
  await append()
  t.equal(log.segments.length, 2)
  await directory.close()
})

t.test('segment.jitter.ms takes another part off for each segment', async t => {
  const times = Array.from({ length: 300 }, (_, index) => DAY + index * 60_000)
  const settings = { segmentMs: HOUR, segmentJitterMs: HOUR / 2 }
  const found = await rolls(times, settings)
  const lengths = found.slice(1).map((offset, slot) => offset - (found[slot] ?? 0))
  t.ok(
    lengths.every(length => length >= 31 && length <= 61),
    `${lengths.join()} minutes`,
  )
  t.ok(new Set(lengths).size > 2)
  t.same(await rolls(times, settings), found, 'the same randomness, the same segments')
  t.not((await rolls(times, settings, 2)).join(), found.join())
  const even = (await rolls(times, { segmentMs: HOUR })).slice(0, 3)
  t.same(even, [0, 61, 122], 'without jitter they are even')
  t.ok((await rolls(times, { segmentMs: HOUR, segmentJitterMs: 10 * HOUR })).length > 3)
})

const preallocated = config({ preallocate: true, segmentBytes: 1000, indexIntervalBytes: 200 })

t.test('a preallocated segment has its full size until it is rolled or closed', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs, config: preallocated })
  const sizes = (): number[] =>
    vfs.sync
      .list('/data/t-0')
      .filter(({ name }) => name.endsWith('.log'))
      .map(({ name }) => vfs.sync.stat(`/data/t-0/${name}`)?.size ?? -1)
  await log.append(numbers(0, 10))
  t.same(sizes(), [1000])
  t.ok(log.size < 1000)
  t.same(await valuesFrom(log), range(0, 10))
  t.equal(await log.offsetForTimestamp(DAY + 10), undefined, 'zeros are no records')
  const reader = await openLog({ vfs, readOnly: true, config: preallocated })
  t.same(await valuesFrom(reader.log), range(0, 10), 'nor are they to a reader beside the owner')
  t.same(reader.directory.findings, [])
  for (let batch = 1; batch < 10; batch++) await log.append(numbers(batch * 10, 10))
  t.equal(sizes().at(-1), 1000)
  t.same(
    sizes().slice(0, -1),
    log.segments.slice(0, -1).map(({ size }) => size),
  )
  t.ok(await reader.log.refresh())
  t.same(await valuesFrom(reader.log), range(0, 100))
  await reader.directory.close()
  await log.deleteRecords(-1)
  t.same(await valuesFrom(log), [])
  await log.append(numbers(100, 10))
  await directory.close()
  t.same(
    sizes(),
    log.segments.map(({ size }) => size),
  )
  const again = await openLog({ vfs, config: preallocated })
  t.ok(again.directory.wasClean)
  t.same(again.directory.findings, [])
  t.same(await valuesFrom(again.log), range(100, 110))
  t.equal((await again.log.append(numbers(110, 1))).baseOffset, 110)
  await again.directory.close()
})

t.test('a power cut leaves zeros behind a preallocated log, and they are its end', async t => {
  let cuts = 0
  for (let operation = 1; ; operation++) {
    const machine = new FakeMachine()
    const vfs = new MemFs({ crashable: true })
    const fs = new FaultFs(vfs)
    const process = machine.spawn({ bootId: 'first' })
    const { directory, log } = await openLog({ vfs: fs, machine: process, config: preallocated })
    const begin = fs.operations
    let promised = 0
    let ended = false
    const appending = (async () => {
      for (let next = 0; next < 60; next += 5) promised = (await log.append(numbers(next, 5))).lastOffset + 1
    })()
      .catch(() => undefined)
      .finally(() => (ended = true))
    while (!isTrue(ended) && fs.operations - begin < operation) await Promise.resolve()
    const known = promised
    const whole = isTrue(ended)
    const left = crashed(vfs, `preallocated ${operation}`, operation % 3 === 0 ? 100 : 40)
    fs.cutPower()
    process.kill()
    await appending
    await directory.close().catch(() => undefined)
    const again = await openLog({
      vfs: left,
      machine: machine.spawn({ bootId: 'second' }),
      config: preallocated,
    })
    const bad = again.directory.findings.filter(({ kind }) => kind !== 'torn-tail')
    if (bad.length > 0) t.fail(`operation ${operation}: ${bad[0]?.message ?? ''}`)
    if (again.log.logEndOffset < known) t.fail(`operation ${operation}: lost what was promised`)
    const values = await valuesFrom(again.log)
    if (values.join() !== range(0, again.log.logEndOffset).join())
      t.fail(`operation ${operation}: ${values.join()}`)
    await again.log.append(numbers(again.log.logEndOffset, 5))
    await again.directory.close()
    cuts++
    if (whole) break
  }
  t.ok(cuts > 30, `${cuts} cuts`)
})

/** What another function sets meanwhile is not what the compiler saw last. */
function isTrue(value: boolean): boolean {
  return value
}
