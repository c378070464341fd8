import { readFileSync } from 'node:fs'
import t from 'tap'
import { MemFs } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { plant, plantedBugs, type PlantedBug } from '../src/testing/planted-bugs.ts'
import { crashed, damage, numbers, openLog, valuesFrom } from './helpers.ts'

/** The suite that finds each bug in every run: the one place where all of them are listed. */
const caughtBy: Readonly<Record<PlantedBug, string>> = {
  dataSyncLeftOut: 'power-cuts',
  directorySyncLeftOut: 'power-cuts',
  acknowledgedBeforeSync: 'power-cuts',
  recoveredTailUnsynced: 'power-cuts',
  twoOwners: 'lock',
  failedSyncRetried: 'faults',
  highWatermarkBeforeDurable: 'faults',
  truncationOnCorruption: 'recovery',
  indexTrustedUnchecked: 'indexes',
  zerosTakenForRecords: 'damage',
  bufferReusedUnderReader: 'tail-cache',
  cleanMarkerDeletedLate: 'directory',
  cleanMarkerEarly: 'directory',
  epochFileUnsynced: 'directory',
  checkpointRenameUnsynced: 'directory',
  topicNameAsPath: 'directory',
  retentionPinnedByFuture: 'retention',
  retentionUnderReader: 'retention',
  logStartUnsynced: 'retention',
  duplicateGivenNewOffset: 'model',
  sequenceLostInSnapshot: 'model',
  stableOffsetPastOpenTransaction: 'model',
  abortedDataShown: 'model',
  pageCacheTrusted: 'planted-bugs',
  wakeUpLost: 'append-and-read',
  lengthTrusted: 'planted-bugs',
}

t.test('every bug that can be planted is found by a suite', t => {
  t.same(Object.keys(caughtBy).sort(), Object.keys(plantedBugs).sort())
  for (const [bug, suite] of Object.entries(caughtBy)) {
    const text = readFileSync(new URL(`${suite}.test.ts`, import.meta.url), 'utf8')
    t.match(text, `'${bug}'`, `${suite} plants ${bug}`)
  }
  t.notOk(
    Object.values(plantedBugs).some(planted => planted),
    'and none is there by itself',
  )
  t.end()
})

t.test('after a failed sync nothing is shown that a loss of power could take', async t => {
  const lost = async (): Promise<boolean> => {
    const disk = new MemFs({ crashable: true })
    const fs = new FaultFs(disk)
    const first = await openLog({ vfs: fs })
    await first.log.append(numbers(0, 10))
    fs.fail({ operation: 'datasync', path: '.log' })
    await t.rejects(first.log.append(numbers(10, 10)), { code: 'KAFKA_STORAGE_ERROR' })
    await first.directory.close().catch(() => undefined)
    const again = await openLog({ vfs: disk })
    const shown = await valuesFrom(again.log)
    const after = await openLog({ vfs: crashed(disk, 'after', 0) })
    const left = await valuesFrom(after.log).catch(() => [])
    await again.directory.close()
    await after.directory.close()
    return left.length < shown.length
  }
  t.equal(await lost(), false)
  t.teardown(plant('pageCacheTrusted'))
  t.equal(await lost(), true, 'the bug of trust in the page cache is found')
})

t.test('a length that lies takes no memory', async t => {
  const CLAIMED = 64 * 1024 * 1024
  const taken = async (): Promise<number> => {
    const vfs = new MemFs({ crashable: true })
    const { directory, log } = await openLog({ vfs })
    await log.append(numbers(0, 10))
    const left = crashed(vfs, 'lie', 100)
    await directory.close()
    damage(left, '/data/t-0/00000000000000000000.log', bytes => {
      const lying = Buffer.concat([bytes, bytes])
      lying.writeInt32BE(CLAIMED, bytes.length + 8)
      lying.writeBigInt64BE(10n, bytes.length)
      return lying
    })
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const onOperation = (): void => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    const again = await openLog({ vfs: new FaultFs(left, { onOperation }) })
    t.same(await valuesFrom(again.log), numbersAsText(10))
    await again.directory.close()
    return most
  }
  t.ok((await taken()) < CLAIMED / 2)
  t.teardown(plant('lengthTrusted'))
  t.ok((await taken()) >= CLAIMED, 'the bug of a length that is trusted is found')
})

function numbersAsText(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index))
}
