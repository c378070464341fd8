export { readAssignment, readSubscription, writeAssignment, writeSubscription } from '@varve/protocol'
export { assignRange, type AssignedPartitions, type SubscribedMember } from './assignors/range.ts'
export {
  GroupCoordinator,
  type CommitRequest,
  type CommittedPartition,
  type GroupCoordinatorOptions,
  type GroupDetails,
  type GroupSummary,
} from './group-coordinator.ts'
export type {
  GroupProtocol,
  GroupState,
  JoinRequest,
  JoinResponse,
  MemberRequest,
  SyncRequest,
  SyncResponse,
} from './group/requests.ts'
export type { OffsetKey, StoredOffset } from './offsets/offset-store.ts'
export { groupPartition, javaHash } from './partitioner.ts'
