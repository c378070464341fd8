export { FakeClock, SeededRandom } from '@varve/platform'
export { expectedLines, expectedRecords, fixture, type ExpectedBytes, type ExpectedRecord } from './fixture.ts'
