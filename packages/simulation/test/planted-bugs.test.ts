import t from 'tap'
import type { PlantedBug } from '@varve/log/testing'
import { LogHistory } from '../src/history/log-history.ts'
import { caught } from '../src/history/planted.ts'
import { isProof } from '../src/run/sizes.ts'

/** Each must be found by the histories that pass without it. */
const always: readonly PlantedBug[] = ['dataSyncLeftOut', 'directorySyncLeftOut', 'acknowledgedBeforeSync']
const inProofs: readonly PlantedBug[] = [
  'recoveredTailUnsynced',
  'failedSyncRetried',
  'highWatermarkBeforeDurable',
  'cleanMarkerDeletedLate',
  'zerosTakenForRecords',
]

for (const bug of isProof() ? [...always, ...inProofs] : always) {
  t.test(`histories with power cuts find a planted bug: ${bug}`, async t => {
    const found = await caught(bug, seed => new LogHistory(seed, { operations: 300 }).run(), {
      seedsMax: 150,
    })
    t.ok(found, 'a property failed')
    t.comment(found && `seed ${found.seed} after ${found.tried}: ${found.message}`)
  })
}
