export { FakeClock, MemFs, SeededRandom } from '@varve/platform'
export {
  batchOf,
  compressedBatchOf,
  numberedRecords,
  type BatchOptions,
  type RecordSketch,
} from './batches.ts'
export { FaultFs } from './fault-fs.ts'
export type { FaultFsOptions } from './fault-plan.ts'
export type { Fault, FaultOptions, Operation, Target } from './fault.ts'
export {
  expectedLines,
  expectedRecords,
  fixture,
  type ExpectedBytes,
  type ExpectedRecord,
} from './fixture.ts'
export type { Hold } from './hold.ts'
