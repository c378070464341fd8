export { FakeClock, MemFs, SeededRandom } from '@varve/platform'
export {
  batchOf,
  compressedBatchOf,
  numberedRecords,
  type BatchOptions,
  type RecordSketch,
} from './batches.ts'
export type { Delay, DelayOptions } from './delay.ts'
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
export { logOf, type BatchSketch } from './log-of.ts'
export { checkWhole, driveLog, type DriveOptions } from './model/drive.ts'
export { committedOnly } from './model/isolation.ts'
export { LogDriver, type DriverPort, type Outcome } from './model/log-driver.ts'
export type { AbortedRange, FetchUnderTest, LogUnderTest } from './model/log-under-test.ts'
export { ModelLog, type SentRange } from './model/model-log.ts'
export type { Loss, ModelRules, ModelState } from './model/model-state.ts'
export { ProducerDriver } from './model/producer-driver.ts'
export { PropertyFailure, require } from './model/property.ts'
export { markerBatch, stampedBatch, stampsIn, type Found, type Marker, type Sender } from './model/stamp.ts'
