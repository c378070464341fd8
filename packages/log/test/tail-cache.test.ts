import t from 'tap'
import { MemFs, SeededRandom } from '@varve/platform'
import { readBaseOffset, readBatchSize, readLastOffset } from '@varve/records'
import { FaultFs } from '@varve/testkit'
import type { LogDirectory } from '../src/directory/log-directory.ts'
import { logLimits } from '../src/limits.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { config, numbers, openDirectory, openLog, range, valuesFrom } from './helpers.ts'

/** Files without views into their memory, as on a disk. */
const disk = (): FaultFs => new FaultFs(new MemFs())

/** A log that somebody has read to its end: what is appended now is kept. */
async function tailed(
  fs: FaultFs,
  options: { tailCacheBytesMax?: number } = {},
): Promise<{ directory: LogDirectory; log: PartitionLog }> {
  const opened = await openLog({ vfs: fs, config: config({ segmentBytes: 512 * 1024 }), ...options })
  await opened.log.append(numbers(0, 10))
  t.same(await valuesFrom(opened.log), range(0, 10))
  return opened
}

t.test('what readers at the end read comes from memory, and nobody else pays', async t => {
  const fs = disk()
  const { directory, log } = await openLog({ vfs: fs })
  for (let batch = 0; batch < 10; batch++) await log.append(numbers(batch * 10, 10))
  t.equal(directory.memory.tailCacheBytes, 0, 'nothing is kept without a reader')
  await valuesFrom(log)
  const reads = fs.count('read')
  for (let batch = 10; batch < 60; batch++) {
    await log.append(numbers(batch * 10, 10))
    const { bytes } = await log.read({ offset: batch * 10 + 3 })
    t.equal(readBaseOffset(bytes, 0), batch * 10)
  }
  t.equal(fs.count('read'), reads, 'no read of a file')
  t.same(await valuesFrom(log, 100, 1), range(100, 600))
  t.same(await valuesFrom(log, 100, 700), range(100, 600))
  t.same(await valuesFrom(log, 0), range(0, 600), 'from the file, and on in memory')
  await directory.close()
  t.equal(directory.memory.tailCacheBytes, 0)
})

t.test('where nobody reads the end any more, nothing is kept', async t => {
  const { directory, log } = await tailed(disk())
  const bytes = 128 * 1024
  for (let batch = 0; batch <= logLimits.tailPartitionBytesMax / bytes; batch++)
    await log.append(numbers(10 + batch, 1, { bytes }))
  t.equal(directory.memory.tailCacheBytes, 0)
  t.equal((await log.read({ offset: log.highWatermark - 1 })).bytes.length > bytes, true)
  await log.append(numbers(0, 1, { bytes }))
  t.ok(directory.memory.tailCacheBytes > bytes, 'until somebody does again')
  await directory.close()
})

t.test('a read from memory keeps the bounds of a read from the file', async t => {
  const fs = disk()
  const { directory, log } = await tailed(fs)
  for (let batch = 1; batch < 40; batch++) await log.append(numbers(batch * 10, 10))
  const other = await openDirectory({ vfs: fs, readOnly: true })
  const file = other.partitions.get('t-0')
  const random = new SeededRandom('bounds')
  for (let turn = 0; turn < 300; turn++) {
    const request = {
      offset: 10 + random.int(390),
      maxBytes: random.int(3000),
      minOneBatch: random.chance(50),
    }
    const what = JSON.stringify(request)
    const reads = fs.count('read')
    const { bytes } = await log.read({ ...request, memory: Buffer.alloc(random.int(4000)) })
    t.equal(fs.count('read'), reads)
    const wanted = (await file?.read(request))?.bytes ?? Buffer.alloc(0)
    t.ok(bytes.length >= wanted.length && bytes.subarray(0, wanted.length).equals(wanted), what)
    const one = request.minOneBatch && bytes.length > 0 ? readBatchSize(bytes, 0) : 0
    t.ok(bytes.length <= Math.max(request.maxBytes, one), what)
  }
  await other.close()
  await directory.close()
})

t.test('what is not acknowledged is not shown, and what a failed sync fences never', async t => {
  const fs = disk()
  const { directory, log } = await tailed(fs)
  const hold = fs.hold({ operation: 'datasync', path: '.log' })
  const appending = log.append(numbers(10, 10))
  await hold.reached()
  t.equal(log.logEndOffset, 20, 'it is written')
  t.equal((await log.read({ offset: 10 })).bytes.length, 0)
  t.ok((await log.read({ offset: 10, upTo: 'logEnd' })).bytes.length > 0)
  hold.release()
  await appending
  t.ok((await log.read({ offset: 10 })).bytes.length > 0)
  fs.fail({ operation: 'datasync', path: '.log', errno: 'EIO' })
  await t.rejects(log.append(numbers(20, 10)), { code: 'KAFKA_STORAGE_ERROR' })
  await t.rejects(log.read({ offset: 20 }), { code: 'KAFKA_STORAGE_ERROR' })
  await t.rejects(log.read({ offset: 20, upTo: 'logEnd' }), { code: 'KAFKA_STORAGE_ERROR' })
  t.same(await valuesFrom(log, 10), range(10, 20))
  await directory.close().catch(() => undefined)
})

t.test('a failed write leaves nothing of it in memory', async t => {
  const fs = disk()
  const { directory, log } = await tailed(fs)
  fs.fail({ operation: 'write', path: '.log', errno: 'ENOSPC' })
  await t.rejects(log.append(numbers(5000, 10)), { code: 'DISK_FULL' })
  await log.append(numbers(10, 10))
  t.same(await valuesFrom(log, 10), range(10, 20))
  await directory.close()
})

t.test('all partitions together keep the limit, batches larger than it are read from the file', async t => {
  const tailCacheBytesMax = 100_000
  const fs = disk()
  const { directory, log } = await tailed(fs, { tailCacheBytesMax })
  const logs = [log]
  for (let partition = 1; partition < 10; partition++) {
    const topicId = `KcEh0CeWT6appgxEAW289${'BCDEFGHIJK'[partition]}`
    const one = await directory.createPartition({ topic: 't', partition, topicId })
    await one.append(numbers(0, 10))
    await valuesFrom(one)
    logs.push(one)
  }
  const random = new SeededRandom('limit')
  let most = 0
  for (let turn = 0; turn < 300; turn++) {
    const one = random.pick(logs)
    const from = one.highWatermark
    const bytes = random.chance(5) ? 110_000 : random.int(3000)
    await one.append(numbers(from, 1 + random.int(3), { bytes }))
    const found = await one.read({ offset: from, maxBytes: 1 })
    t.equal(readBaseOffset(found.bytes, 0), from)
    most = Math.max(most, directory.memory.tailCacheBytes)
  }
  t.ok(most > tailCacheBytesMax / 2 && most <= tailCacheBytesMax, `at most ${most} bytes`)
  for (const one of logs) t.same(await valuesFrom(one), range(0, one.highWatermark))
  await directory.close()
})

/** Appends and tails until memory must have been used again; whether what was read stayed as it was. */
async function keepsItsBytes(): Promise<boolean> {
  const { directory, log } = await tailed(disk())
  const held: { bytes: Buffer; copy: Buffer }[] = []
  for (let batch = 0; batch < 60; batch++) {
    const from = log.highWatermark
    await log.append(numbers(from, 2, { bytes: 60_000 }))
    const { bytes } = await log.read({ offset: from })
    held.push({ bytes, copy: Buffer.from(bytes) })
  }
  await directory.close()
  return held.every(({ bytes, copy }) => bytes.equals(copy) && readLastOffset(bytes, 0) >= 10)
}

t.test('what a read gave stays as it is, however much is appended', async t => {
  t.equal(await keepsItsBytes(), true)
})

t.test('the bug of a buffer that is used again under its reader is found', async t => {
  t.teardown(plant('bufferReusedUnderReader'))
  t.equal(await keepsItsBytes(), false)
})

t.test('appends of several batches, in parallel with many readers', async t => {
  const { directory, log } = await tailed(disk())
  const readers = Array.from({ length: 5 }, async (_, reader) => {
    let next = 10
    while (next < 1000) {
      const { bytes } = await log.read({ offset: next, maxBytes: 200 * (reader + 1) })
      if (bytes.length === 0)
        await new Promise<void>(resolve => {
          const stop = log.onVisible(() => {
            stop()
            resolve()
          })
        })
      for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
        t.equal(readBaseOffset(bytes, at), next)
        next = readLastOffset(bytes, at) + 1
      }
    }
  })
  for (let from = 10; from < 1000; from += 30) {
    const append = Buffer.concat([numbers(from, 5), numbers(from + 5, 15), numbers(from + 20, 10)])
    void log.append(append).then(() => append.fill(255))
    if (from % 4 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(readers)
  await directory.close()
})
