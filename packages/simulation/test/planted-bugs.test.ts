import t from 'tap'
import type { PlantedBug } from '@varve/log/testing'
import { runJob, type Property } from '../src/run/job.ts'
import { isProof } from '../src/run/sizes.ts'

interface Planted {
  readonly bug: PlantedBug
  /** The property that must fail with it, and holds without. */
  readonly by: Property
}

const always: readonly Planted[] = [
  { bug: 'dataSyncLeftOut', by: 'log' },
  { bug: 'directorySyncLeftOut', by: 'log' },
  { bug: 'acknowledgedBeforeSync', by: 'log' },
  { bug: 'twoOwners', by: 'lock' },
]

const inProofs: readonly Planted[] = [
  { bug: 'recoveredTailUnsynced', by: 'log' },
  { bug: 'failedSyncRetried', by: 'log' },
  { bug: 'highWatermarkBeforeDurable', by: 'log' },
  { bug: 'cleanMarkerDeletedLate', by: 'log' },
  { bug: 'zerosTakenForRecords', by: 'log' },
  { bug: 'logStartUnsynced', by: 'log' },
  { bug: 'duplicateGivenNewOffset', by: 'log' },
  { bug: 'sequenceLostInSnapshot', by: 'log' },
  { bug: 'stableOffsetPastOpenTransaction', by: 'log' },
  { bug: 'abortedDataShown', by: 'log' },
  { bug: 'pageCacheTrusted', by: 'log' },
  { bug: 'truncationOnCorruption', by: 'corruption' },
  { bug: 'dataSyncLeftOut', by: 'broker' },
  { bug: 'directorySyncLeftOut', by: 'broker' },
]

const sizes: Readonly<Record<Property, number>> = { log: 300, broker: 300, lock: 20, corruption: 50 }

for (const { bug, by } of isProof() ? [...always, ...inProofs] : always) {
  t.test(`a planted bug is found: ${bug}, by the property of the ${by}`, async t => {
    const found = await runJob('planted', { bug, property: by, size: sizes[by], seedsMax: 200 })
    t.ok(found, 'the property failed')
    t.comment(found && `seed ${found.seed} after ${found.tried}: ${found.message}`)
  })
}
