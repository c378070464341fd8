// Written by scripts/generate-messages.mjs from packages/protocol/schemas. Change those, then run it again.

import type { MessageSchema, RawTaggedField } from '../schema.ts'

/** Version 0. */
export interface LegacyOffsetCommitKey {
  group: string
  topic: string
  partition: number
}

/** What is written as a {@link LegacyOffsetCommitKey}. */
export interface LegacyOffsetCommitKeyInput {
  group: string
  topic: string
  partition: number
}

export const LegacyOffsetCommitKey: MessageSchema<LegacyOffsetCommitKey, LegacyOffsetCommitKeyInput> = {
  name: 'LegacyOffsetCommitKey',
  apiKey: 0,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'group', type: 'string', versions: '0' },
    { name: 'topic', type: 'string', versions: '0' },
    { name: 'partition', type: 'int32', versions: '0' },
  ],
}

/** Version 0. */
export interface LegacyOffsetCommitValue {
  offset: number
  metadata: string
  commitTimestamp: number
}

/** What is written as a {@link LegacyOffsetCommitValue}. */
export interface LegacyOffsetCommitValueInput {
  offset: number
  metadata: string
  commitTimestamp: number
}

export const LegacyOffsetCommitValue: MessageSchema<LegacyOffsetCommitValue, LegacyOffsetCommitValueInput> = {
  name: 'LegacyOffsetCommitValue',
  apiKey: 0,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'offset', type: 'int64', versions: '0' },
    { name: 'metadata', type: 'string', versions: '0' },
    { name: 'commitTimestamp', type: 'int64', versions: '0' },
  ],
}

/** Version 0. */
export interface OffsetCommitKey {
  group: string
  topic: string
  partition: number
}

/** What is written as a {@link OffsetCommitKey}. */
export interface OffsetCommitKeyInput {
  group: string
  topic: string
  partition: number
}

export const OffsetCommitKey: MessageSchema<OffsetCommitKey, OffsetCommitKeyInput> = {
  name: 'OffsetCommitKey',
  apiKey: 1,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'group', type: 'string', versions: '0' },
    { name: 'topic', type: 'string', versions: '0' },
    { name: 'partition', type: 'int32', versions: '0' },
  ],
}

/** Versions 0-4. */
export interface OffsetCommitValue {
  offset: number
  leaderEpoch: number
  metadata: string
  commitTimestamp: number
  expireTimestamp: number
  topicId: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link OffsetCommitValue}. */
export interface OffsetCommitValueInput {
  offset: number
  leaderEpoch?: number | undefined
  metadata: string
  commitTimestamp: number
  expireTimestamp?: number | undefined
  topicId?: string | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const OffsetCommitValue: MessageSchema<OffsetCommitValue, OffsetCommitValueInput> = {
  name: 'OffsetCommitValue',
  apiKey: 1,
  type: 'coordinator-value',
  validVersions: '0-4',
  flexibleVersions: '4+',
  fields: [
    { name: 'offset', type: 'int64', versions: '0+' },
    { name: 'leaderEpoch', type: 'int32', versions: '3+', default: -1, ignorable: true },
    { name: 'metadata', type: 'string', versions: '0+' },
    { name: 'commitTimestamp', type: 'int64', versions: '0+' },
    { name: 'expireTimestamp', type: 'int64', versions: '1', default: -1, ignorable: true },
    { name: 'topicId', type: 'uuid', versions: '4+', taggedVersions: '4+', tag: 0, ignorable: true },
  ],
}

/** Version 0. */
export interface GroupMetadataKey {
  group: string
}

/** What is written as a {@link GroupMetadataKey}. */
export interface GroupMetadataKeyInput {
  group: string
}

export const GroupMetadataKey: MessageSchema<GroupMetadataKey, GroupMetadataKeyInput> = {
  name: 'GroupMetadataKey',
  apiKey: 2,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'group', type: 'string', versions: '0' }],
}

/** Versions 0-4. */
export interface GroupMetadataValue {
  protocolType: string
  generation: number
  protocol: string | null
  leader: string | null
  currentStateTimestamp: number
  members: {
    memberId: string
    groupInstanceId: string | null
    clientId: string
    clientHost: string
    rebalanceTimeout: number
    sessionTimeout: number
    subscription: Buffer
    assignment: Buffer
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link GroupMetadataValue}. */
export interface GroupMetadataValueInput {
  protocolType: string
  generation: number
  protocol?: (string | null) | undefined
  leader?: (string | null) | undefined
  currentStateTimestamp?: number | undefined
  members: readonly {
    memberId: string
    groupInstanceId?: (string | null) | undefined
    clientId: string
    clientHost: string
    rebalanceTimeout?: number | undefined
    sessionTimeout: number
    subscription: Uint8Array
    assignment: Uint8Array
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const GroupMetadataValue: MessageSchema<GroupMetadataValue, GroupMetadataValueInput> = {
  name: 'GroupMetadataValue',
  apiKey: 2,
  type: 'coordinator-value',
  validVersions: '0-4',
  flexibleVersions: '4+',
  fields: [
    { name: 'protocolType', type: 'string', versions: '0+' },
    { name: 'generation', type: 'int32', versions: '0+' },
    { name: 'protocol', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'leader', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'currentStateTimestamp', type: 'int64', versions: '2+', default: -1, ignorable: true },
    { name: 'members', type: '[]MemberMetadata', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'MemberMetadata',
      fields: [
        { name: 'memberId', type: 'string', versions: '0+' },
        {
          name: 'groupInstanceId',
          type: 'string',
          versions: '3+',
          nullableVersions: '3+',
          default: 'null',
          ignorable: true,
        },
        { name: 'clientId', type: 'string', versions: '0+' },
        { name: 'clientHost', type: 'string', versions: '0+' },
        { name: 'rebalanceTimeout', type: 'int32', versions: '1+', default: -1, ignorable: true },
        { name: 'sessionTimeout', type: 'int32', versions: '0+' },
        { name: 'subscription', type: 'bytes', versions: '0+' },
        { name: 'assignment', type: 'bytes', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface ConsumerGroupMetadataKey {
  groupId: string
}

/** What is written as a {@link ConsumerGroupMetadataKey}. */
export interface ConsumerGroupMetadataKeyInput {
  groupId: string
}

export const ConsumerGroupMetadataKey: MessageSchema<
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataKeyInput
> = {
  name: 'ConsumerGroupMetadataKey',
  apiKey: 3,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface ConsumerGroupMetadataValue {
  epoch: number
  metadataHash: bigint
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupMetadataValue}. */
export interface ConsumerGroupMetadataValueInput {
  epoch: number
  metadataHash?: bigint | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupMetadataValue: MessageSchema<
  ConsumerGroupMetadataValue,
  ConsumerGroupMetadataValueInput
> = {
  name: 'ConsumerGroupMetadataValue',
  apiKey: 3,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Epoch', type: 'int32', versions: '0+' },
    { name: 'MetadataHash', type: 'int64', versions: '0+', taggedVersions: '0+', tag: 0, default: 0 },
  ],
}

/** Version 0. */
export interface ConsumerGroupPartitionMetadataKey {
  groupId: string
}

/** What is written as a {@link ConsumerGroupPartitionMetadataKey}. */
export interface ConsumerGroupPartitionMetadataKeyInput {
  groupId: string
}

export const ConsumerGroupPartitionMetadataKey: MessageSchema<
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataKeyInput
> = {
  name: 'ConsumerGroupPartitionMetadataKey',
  apiKey: 4,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface ConsumerGroupPartitionMetadataValue {
  topics: {
    topicId: string
    topicName: string
    numPartitions: number
    partitionMetadata: { partition: number; racks: string[]; unknownTaggedFields?: RawTaggedField[] }[]
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupPartitionMetadataValue}. */
export interface ConsumerGroupPartitionMetadataValueInput {
  topics: readonly {
    topicId: string
    topicName: string
    numPartitions: number
    partitionMetadata: readonly {
      partition: number
      racks: readonly string[]
      unknownTaggedFields?: readonly RawTaggedField[] | undefined
    }[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupPartitionMetadataValue: MessageSchema<
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupPartitionMetadataValueInput
> = {
  name: 'ConsumerGroupPartitionMetadataValue',
  apiKey: 4,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    {
      name: 'Topics',
      type: '[]TopicMetadata',
      versions: '0+',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'TopicName', type: 'string', versions: '0+' },
        { name: 'NumPartitions', type: 'int32', versions: '0+' },
        {
          name: 'PartitionMetadata',
          type: '[]PartitionMetadata',
          versions: '0+',
          fields: [
            { name: 'Partition', type: 'int32', versions: '0+' },
            { name: 'Racks', type: '[]string', versions: '0+' },
          ],
        },
      ],
    },
  ],
}

/** Version 0. */
export interface ConsumerGroupMemberMetadataKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link ConsumerGroupMemberMetadataKey}. */
export interface ConsumerGroupMemberMetadataKeyInput {
  groupId: string
  memberId: string
}

export const ConsumerGroupMemberMetadataKey: MessageSchema<
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataKeyInput
> = {
  name: 'ConsumerGroupMemberMetadataKey',
  apiKey: 5,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ConsumerGroupMemberMetadataValue {
  instanceId: string | null
  rackId: string | null
  clientId: string
  clientHost: string
  subscribedTopicNames: string[]
  subscribedTopicRegex: string | null
  rebalanceTimeoutMs: number
  serverAssignor: string | null
  classicMemberMetadata: {
    sessionTimeoutMs: number
    supportedProtocols: { name: string; metadata: Buffer; unknownTaggedFields?: RawTaggedField[] }[]
    unknownTaggedFields?: RawTaggedField[]
  } | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupMemberMetadataValue}. */
export interface ConsumerGroupMemberMetadataValueInput {
  instanceId?: (string | null) | undefined
  rackId?: (string | null) | undefined
  clientId: string
  clientHost: string
  subscribedTopicNames: readonly string[]
  subscribedTopicRegex?: (string | null) | undefined
  rebalanceTimeoutMs?: number | undefined
  serverAssignor?: (string | null) | undefined
  classicMemberMetadata?:
    | ({
        sessionTimeoutMs: number
        supportedProtocols: readonly {
          name: string
          metadata: Uint8Array
          unknownTaggedFields?: readonly RawTaggedField[] | undefined
        }[]
        unknownTaggedFields?: readonly RawTaggedField[] | undefined
      } | null)
    | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupMemberMetadataValue: MessageSchema<
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMemberMetadataValueInput
> = {
  name: 'ConsumerGroupMemberMetadataValue',
  apiKey: 5,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'InstanceId', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'RackId', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'ClientId', type: 'string', versions: '0+' },
    { name: 'ClientHost', type: 'string', versions: '0+' },
    { name: 'SubscribedTopicNames', type: '[]string', versions: '0+' },
    { name: 'SubscribedTopicRegex', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'RebalanceTimeoutMs', type: 'int32', versions: '0+', default: -1 },
    { name: 'ServerAssignor', type: 'string', versions: '0+', nullableVersions: '0+' },
    {
      name: 'ClassicMemberMetadata',
      type: 'ClassicMemberMetadata',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: null,
      fields: [
        { name: 'SessionTimeoutMs', type: 'int32', versions: '0+' },
        {
          name: 'SupportedProtocols',
          type: '[]ClassicProtocol',
          versions: '0+',
          fields: [
            { name: 'Name', type: 'string', versions: '0+' },
            { name: 'Metadata', type: 'bytes', versions: '0+' },
          ],
        },
      ],
    },
  ],
}

/** Version 0. */
export interface ConsumerGroupTargetAssignmentMetadataKey {
  groupId: string
}

/** What is written as a {@link ConsumerGroupTargetAssignmentMetadataKey}. */
export interface ConsumerGroupTargetAssignmentMetadataKeyInput {
  groupId: string
}

export const ConsumerGroupTargetAssignmentMetadataKey: MessageSchema<
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataKeyInput
> = {
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  apiKey: 6,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface ConsumerGroupTargetAssignmentMetadataValue {
  assignmentEpoch: number
  assignmentTimestamp: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupTargetAssignmentMetadataValue}. */
export interface ConsumerGroupTargetAssignmentMetadataValueInput {
  assignmentEpoch: number
  assignmentTimestamp?: number | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupTargetAssignmentMetadataValue: MessageSchema<
  ConsumerGroupTargetAssignmentMetadataValue,
  ConsumerGroupTargetAssignmentMetadataValueInput
> = {
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  apiKey: 6,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'AssignmentEpoch', type: 'int32', versions: '0+' },
    {
      name: 'AssignmentTimestamp',
      type: 'int64',
      versions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: 0,
      ignorable: true,
    },
  ],
}

/** Version 0. */
export interface ConsumerGroupTargetAssignmentMemberKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link ConsumerGroupTargetAssignmentMemberKey}. */
export interface ConsumerGroupTargetAssignmentMemberKeyInput {
  groupId: string
  memberId: string
}

export const ConsumerGroupTargetAssignmentMemberKey: MessageSchema<
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberKeyInput
> = {
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  apiKey: 7,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ConsumerGroupTargetAssignmentMemberValue {
  topicPartitions: { topicId: string; partitions: number[]; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupTargetAssignmentMemberValue}. */
export interface ConsumerGroupTargetAssignmentMemberValueInput {
  topicPartitions: readonly {
    topicId: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupTargetAssignmentMemberValue: MessageSchema<
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMemberValueInput
> = {
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  apiKey: 7,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    {
      name: 'TopicPartitions',
      type: '[]TopicPartition',
      versions: '0+',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface ConsumerGroupCurrentMemberAssignmentKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link ConsumerGroupCurrentMemberAssignmentKey}. */
export interface ConsumerGroupCurrentMemberAssignmentKeyInput {
  groupId: string
  memberId: string
}

export const ConsumerGroupCurrentMemberAssignmentKey: MessageSchema<
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentKeyInput
> = {
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  apiKey: 8,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ConsumerGroupCurrentMemberAssignmentValue {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  assignedPartitions: {
    topicId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  partitionsPendingRevocation: {
    topicId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupCurrentMemberAssignmentValue}. */
export interface ConsumerGroupCurrentMemberAssignmentValueInput {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  assignedPartitions: readonly {
    topicId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  partitionsPendingRevocation: readonly {
    topicId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupCurrentMemberAssignmentValue: MessageSchema<
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupCurrentMemberAssignmentValueInput
> = {
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  apiKey: 8,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'MemberEpoch', type: 'int32', versions: '0+' },
    { name: 'PreviousMemberEpoch', type: 'int32', versions: '0+' },
    { name: 'State', type: 'int8', versions: '0+' },
    { name: 'AssignedPartitions', type: '[]TopicPartitions', versions: '0+' },
    { name: 'PartitionsPendingRevocation', type: '[]TopicPartitions', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'TopicPartitions',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
        {
          name: 'AssignmentEpochs',
          type: '[]int32',
          versions: '0+',
          nullableVersions: '0+',
          taggedVersions: '0+',
          tag: 0,
          default: null,
        },
      ],
    },
  ],
}

/** Version 0. */
export interface ShareGroupMemberMetadataKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link ShareGroupMemberMetadataKey}. */
export interface ShareGroupMemberMetadataKeyInput {
  groupId: string
  memberId: string
}

export const ShareGroupMemberMetadataKey: MessageSchema<
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataKeyInput
> = {
  name: 'ShareGroupMemberMetadataKey',
  apiKey: 10,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ShareGroupMemberMetadataValue {
  rackId: string | null
  clientId: string
  clientHost: string
  subscribedTopicNames: string[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ShareGroupMemberMetadataValue}. */
export interface ShareGroupMemberMetadataValueInput {
  rackId?: (string | null) | undefined
  clientId: string
  clientHost: string
  subscribedTopicNames: readonly string[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ShareGroupMemberMetadataValue: MessageSchema<
  ShareGroupMemberMetadataValue,
  ShareGroupMemberMetadataValueInput
> = {
  name: 'ShareGroupMemberMetadataValue',
  apiKey: 10,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'RackId', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'ClientId', type: 'string', versions: '0+' },
    { name: 'ClientHost', type: 'string', versions: '0+' },
    { name: 'SubscribedTopicNames', type: '[]string', versions: '0+' },
  ],
}

/** Version 0. */
export interface ShareGroupMetadataKey {
  groupId: string
}

/** What is written as a {@link ShareGroupMetadataKey}. */
export interface ShareGroupMetadataKeyInput {
  groupId: string
}

export const ShareGroupMetadataKey: MessageSchema<ShareGroupMetadataKey, ShareGroupMetadataKeyInput> = {
  name: 'ShareGroupMetadataKey',
  apiKey: 11,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface ShareGroupMetadataValue {
  epoch: number
  metadataHash: bigint
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ShareGroupMetadataValue}. */
export interface ShareGroupMetadataValueInput {
  epoch: number
  metadataHash: bigint
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ShareGroupMetadataValue: MessageSchema<ShareGroupMetadataValue, ShareGroupMetadataValueInput> = {
  name: 'ShareGroupMetadataValue',
  apiKey: 11,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Epoch', type: 'int32', versions: '0+' },
    { name: 'MetadataHash', type: 'int64', versions: '0+' },
  ],
}

/** Version 0. */
export interface ShareGroupTargetAssignmentMetadataKey {
  groupId: string
}

/** What is written as a {@link ShareGroupTargetAssignmentMetadataKey}. */
export interface ShareGroupTargetAssignmentMetadataKeyInput {
  groupId: string
}

export const ShareGroupTargetAssignmentMetadataKey: MessageSchema<
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataKeyInput
> = {
  name: 'ShareGroupTargetAssignmentMetadataKey',
  apiKey: 12,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface ShareGroupTargetAssignmentMetadataValue {
  assignmentEpoch: number
  assignmentTimestamp: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ShareGroupTargetAssignmentMetadataValue}. */
export interface ShareGroupTargetAssignmentMetadataValueInput {
  assignmentEpoch: number
  assignmentTimestamp?: number | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ShareGroupTargetAssignmentMetadataValue: MessageSchema<
  ShareGroupTargetAssignmentMetadataValue,
  ShareGroupTargetAssignmentMetadataValueInput
> = {
  name: 'ShareGroupTargetAssignmentMetadataValue',
  apiKey: 12,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'AssignmentEpoch', type: 'int32', versions: '0+' },
    {
      name: 'AssignmentTimestamp',
      type: 'int64',
      versions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: 0,
      ignorable: true,
    },
  ],
}

/** Version 0. */
export interface ShareGroupTargetAssignmentMemberKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link ShareGroupTargetAssignmentMemberKey}. */
export interface ShareGroupTargetAssignmentMemberKeyInput {
  groupId: string
  memberId: string
}

export const ShareGroupTargetAssignmentMemberKey: MessageSchema<
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberKeyInput
> = {
  name: 'ShareGroupTargetAssignmentMemberKey',
  apiKey: 13,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ShareGroupTargetAssignmentMemberValue {
  topicPartitions: { topicId: string; partitions: number[]; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ShareGroupTargetAssignmentMemberValue}. */
export interface ShareGroupTargetAssignmentMemberValueInput {
  topicPartitions: readonly {
    topicId: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ShareGroupTargetAssignmentMemberValue: MessageSchema<
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMemberValueInput
> = {
  name: 'ShareGroupTargetAssignmentMemberValue',
  apiKey: 13,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    {
      name: 'TopicPartitions',
      type: '[]TopicPartition',
      versions: '0+',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface ShareGroupCurrentMemberAssignmentKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link ShareGroupCurrentMemberAssignmentKey}. */
export interface ShareGroupCurrentMemberAssignmentKeyInput {
  groupId: string
  memberId: string
}

export const ShareGroupCurrentMemberAssignmentKey: MessageSchema<
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentKeyInput
> = {
  name: 'ShareGroupCurrentMemberAssignmentKey',
  apiKey: 14,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ShareGroupCurrentMemberAssignmentValue {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  assignedPartitions: { topicId: string; partitions: number[]; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ShareGroupCurrentMemberAssignmentValue}. */
export interface ShareGroupCurrentMemberAssignmentValueInput {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  assignedPartitions: readonly {
    topicId: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ShareGroupCurrentMemberAssignmentValue: MessageSchema<
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupCurrentMemberAssignmentValueInput
> = {
  name: 'ShareGroupCurrentMemberAssignmentValue',
  apiKey: 14,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'MemberEpoch', type: 'int32', versions: '0+' },
    { name: 'PreviousMemberEpoch', type: 'int32', versions: '0+' },
    { name: 'State', type: 'int8', versions: '0+' },
    { name: 'AssignedPartitions', type: '[]TopicPartitions', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'TopicPartitions',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface ShareGroupStatePartitionMetadataKey {
  groupId: string
}

/** What is written as a {@link ShareGroupStatePartitionMetadataKey}. */
export interface ShareGroupStatePartitionMetadataKeyInput {
  groupId: string
}

export const ShareGroupStatePartitionMetadataKey: MessageSchema<
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataKeyInput
> = {
  name: 'ShareGroupStatePartitionMetadataKey',
  apiKey: 15,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface ShareGroupStatePartitionMetadataValue {
  initializingTopics: {
    topicId: string
    topicName: string
    partitions: number[]
    unknownTaggedFields?: RawTaggedField[]
  }[]
  initializedTopics: {
    topicId: string
    topicName: string
    partitions: number[]
    unknownTaggedFields?: RawTaggedField[]
  }[]
  deletingTopics: { topicId: string; topicName: string; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ShareGroupStatePartitionMetadataValue}. */
export interface ShareGroupStatePartitionMetadataValueInput {
  initializingTopics: readonly {
    topicId: string
    topicName: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  initializedTopics: readonly {
    topicId: string
    topicName: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  deletingTopics: readonly {
    topicId: string
    topicName: string
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ShareGroupStatePartitionMetadataValue: MessageSchema<
  ShareGroupStatePartitionMetadataValue,
  ShareGroupStatePartitionMetadataValueInput
> = {
  name: 'ShareGroupStatePartitionMetadataValue',
  apiKey: 15,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'InitializingTopics', type: '[]TopicPartitionsInfo', versions: '0+' },
    { name: 'InitializedTopics', type: '[]TopicPartitionsInfo', versions: '0+' },
    { name: 'DeletingTopics', type: '[]TopicInfo', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'TopicPartitionsInfo',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'TopicName', type: 'string', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
      ],
    },
    {
      name: 'TopicInfo',
      fields: [
        { name: 'TopicId', type: 'uuid', versions: '0+' },
        { name: 'TopicName', type: 'string', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface ConsumerGroupRegularExpressionKey {
  groupId: string
  regularExpression: string
}

/** What is written as a {@link ConsumerGroupRegularExpressionKey}. */
export interface ConsumerGroupRegularExpressionKeyInput {
  groupId: string
  regularExpression: string
}

export const ConsumerGroupRegularExpressionKey: MessageSchema<
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionKeyInput
> = {
  name: 'ConsumerGroupRegularExpressionKey',
  apiKey: 16,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'RegularExpression', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface ConsumerGroupRegularExpressionValue {
  topics: string[]
  version: number
  timestamp: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConsumerGroupRegularExpressionValue}. */
export interface ConsumerGroupRegularExpressionValueInput {
  topics: readonly string[]
  version: number
  timestamp: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConsumerGroupRegularExpressionValue: MessageSchema<
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupRegularExpressionValueInput
> = {
  name: 'ConsumerGroupRegularExpressionValue',
  apiKey: 16,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Topics', type: '[]string', versions: '0+' },
    { name: 'Version', type: 'int64', versions: '0+' },
    { name: 'Timestamp', type: 'int64', versions: '0+' },
  ],
}

/** Version 0. */
export interface StreamsGroupMetadataKey {
  groupId: string
}

/** What is written as a {@link StreamsGroupMetadataKey}. */
export interface StreamsGroupMetadataKeyInput {
  groupId: string
}

export const StreamsGroupMetadataKey: MessageSchema<StreamsGroupMetadataKey, StreamsGroupMetadataKeyInput> = {
  name: 'StreamsGroupMetadataKey',
  apiKey: 17,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface StreamsGroupMetadataValue {
  epoch: number
  metadataHash: bigint
  validatedTopologyEpoch: number
  lastAssignmentConfigs: { key: string; value: string; unknownTaggedFields?: RawTaggedField[] }[] | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link StreamsGroupMetadataValue}. */
export interface StreamsGroupMetadataValueInput {
  epoch: number
  metadataHash: bigint
  validatedTopologyEpoch?: number | undefined
  lastAssignmentConfigs?:
    | (
        | readonly {
            key: string
            value: string
            unknownTaggedFields?: readonly RawTaggedField[] | undefined
          }[]
        | null
      )
    | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const StreamsGroupMetadataValue: MessageSchema<
  StreamsGroupMetadataValue,
  StreamsGroupMetadataValueInput
> = {
  name: 'StreamsGroupMetadataValue',
  apiKey: 17,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Epoch', type: 'int32', versions: '0+' },
    { name: 'MetadataHash', type: 'int64', versions: '0+' },
    {
      name: 'ValidatedTopologyEpoch',
      type: 'int32',
      versions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: -1,
    },
    {
      name: 'LastAssignmentConfigs',
      type: '[]LastAssignmentConfig',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 1,
      default: null,
    },
  ],
  commonStructs: [
    {
      name: 'LastAssignmentConfig',
      fields: [
        { name: 'Key', type: 'string', versions: '0+' },
        { name: 'Value', type: 'string', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface StreamsGroupMemberMetadataKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link StreamsGroupMemberMetadataKey}. */
export interface StreamsGroupMemberMetadataKeyInput {
  groupId: string
  memberId: string
}

export const StreamsGroupMemberMetadataKey: MessageSchema<
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataKeyInput
> = {
  name: 'StreamsGroupMemberMetadataKey',
  apiKey: 19,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface StreamsGroupMemberMetadataValue {
  instanceId: string | null
  rackId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  topologyEpoch: number
  processId: string
  userEndpoint: { host: string; port: number; unknownTaggedFields?: RawTaggedField[] } | null
  clientTags: { key: string; value: string; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link StreamsGroupMemberMetadataValue}. */
export interface StreamsGroupMemberMetadataValueInput {
  instanceId?: (string | null) | undefined
  rackId?: (string | null) | undefined
  clientId: string
  clientHost: string
  rebalanceTimeoutMs?: number | undefined
  topologyEpoch: number
  processId: string
  userEndpoint?:
    | ({ host: string; port: number; unknownTaggedFields?: readonly RawTaggedField[] | undefined } | null)
    | undefined
  clientTags: readonly {
    key: string
    value: string
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const StreamsGroupMemberMetadataValue: MessageSchema<
  StreamsGroupMemberMetadataValue,
  StreamsGroupMemberMetadataValueInput
> = {
  name: 'StreamsGroupMemberMetadataValue',
  apiKey: 19,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'InstanceId', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'RackId', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'ClientId', type: 'string', versions: '0+' },
    { name: 'ClientHost', type: 'string', versions: '0+' },
    { name: 'RebalanceTimeoutMs', type: 'int32', versions: '0+', default: -1 },
    { name: 'TopologyEpoch', type: 'int32', versions: '0+' },
    { name: 'ProcessId', type: 'string', versions: '0+' },
    { name: 'UserEndpoint', type: 'Endpoint', versions: '0+', nullableVersions: '0+', default: 'null' },
    { name: 'ClientTags', type: '[]KeyValue', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'Endpoint',
      fields: [
        { name: 'Host', type: 'string', versions: '0+' },
        { name: 'Port', type: 'uint16', versions: '0+' },
      ],
    },
    {
      name: 'KeyValue',
      fields: [
        { name: 'Key', type: 'string', versions: '0+' },
        { name: 'Value', type: 'string', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface StreamsGroupTargetAssignmentMetadataKey {
  groupId: string
}

/** What is written as a {@link StreamsGroupTargetAssignmentMetadataKey}. */
export interface StreamsGroupTargetAssignmentMetadataKeyInput {
  groupId: string
}

export const StreamsGroupTargetAssignmentMetadataKey: MessageSchema<
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataKeyInput
> = {
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  apiKey: 20,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface StreamsGroupTargetAssignmentMetadataValue {
  assignmentEpoch: number
  assignmentTimestamp: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link StreamsGroupTargetAssignmentMetadataValue}. */
export interface StreamsGroupTargetAssignmentMetadataValueInput {
  assignmentEpoch: number
  assignmentTimestamp?: number | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const StreamsGroupTargetAssignmentMetadataValue: MessageSchema<
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTargetAssignmentMetadataValueInput
> = {
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  apiKey: 20,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'AssignmentEpoch', type: 'int32', versions: '0+' },
    {
      name: 'AssignmentTimestamp',
      type: 'int64',
      versions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: 0,
      ignorable: true,
    },
  ],
}

/** Version 0. */
export interface StreamsGroupTargetAssignmentMemberKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link StreamsGroupTargetAssignmentMemberKey}. */
export interface StreamsGroupTargetAssignmentMemberKeyInput {
  groupId: string
  memberId: string
}

export const StreamsGroupTargetAssignmentMemberKey: MessageSchema<
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberKeyInput
> = {
  name: 'StreamsGroupTargetAssignmentMemberKey',
  apiKey: 21,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface StreamsGroupTargetAssignmentMemberValue {
  activeTasks: { subtopologyId: string; partitions: number[]; unknownTaggedFields?: RawTaggedField[] }[]
  standbyTasks: { subtopologyId: string; partitions: number[]; unknownTaggedFields?: RawTaggedField[] }[]
  warmupTasks: { subtopologyId: string; partitions: number[]; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link StreamsGroupTargetAssignmentMemberValue}. */
export interface StreamsGroupTargetAssignmentMemberValueInput {
  activeTasks: readonly {
    subtopologyId: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  standbyTasks: readonly {
    subtopologyId: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  warmupTasks: readonly {
    subtopologyId: string
    partitions: readonly number[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const StreamsGroupTargetAssignmentMemberValue: MessageSchema<
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMemberValueInput
> = {
  name: 'StreamsGroupTargetAssignmentMemberValue',
  apiKey: 21,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'ActiveTasks', type: '[]TaskIds', versions: '0+' },
    { name: 'StandbyTasks', type: '[]TaskIds', versions: '0+' },
    { name: 'WarmupTasks', type: '[]TaskIds', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'TaskIds',
      fields: [
        { name: 'SubtopologyId', type: 'string', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface StreamsGroupCurrentMemberAssignmentKey {
  groupId: string
  memberId: string
}

/** What is written as a {@link StreamsGroupCurrentMemberAssignmentKey}. */
export interface StreamsGroupCurrentMemberAssignmentKeyInput {
  groupId: string
  memberId: string
}

export const StreamsGroupCurrentMemberAssignmentKey: MessageSchema<
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentKeyInput
> = {
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  apiKey: 22,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [
    { name: 'GroupId', type: 'string', versions: '0' },
    { name: 'MemberId', type: 'string', versions: '0' },
  ],
}

/** Version 0. */
export interface StreamsGroupCurrentMemberAssignmentValue {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  activeTasks: {
    subtopologyId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  standbyTasks: {
    subtopologyId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  warmupTasks: {
    subtopologyId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  activeTasksPendingRevocation: {
    subtopologyId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  standbyTasksPendingRevocation: {
    subtopologyId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  warmupTasksPendingRevocation: {
    subtopologyId: string
    partitions: number[]
    assignmentEpochs: number[] | null
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link StreamsGroupCurrentMemberAssignmentValue}. */
export interface StreamsGroupCurrentMemberAssignmentValueInput {
  memberEpoch: number
  previousMemberEpoch: number
  state: number
  activeTasks: readonly {
    subtopologyId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  standbyTasks: readonly {
    subtopologyId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  warmupTasks: readonly {
    subtopologyId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  activeTasksPendingRevocation: readonly {
    subtopologyId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  standbyTasksPendingRevocation: readonly {
    subtopologyId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  warmupTasksPendingRevocation: readonly {
    subtopologyId: string
    partitions: readonly number[]
    assignmentEpochs?: (readonly number[] | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const StreamsGroupCurrentMemberAssignmentValue: MessageSchema<
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupCurrentMemberAssignmentValueInput
> = {
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  apiKey: 22,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'MemberEpoch', type: 'int32', versions: '0+' },
    { name: 'PreviousMemberEpoch', type: 'int32', versions: '0+' },
    { name: 'State', type: 'int8', versions: '0+' },
    { name: 'ActiveTasks', type: '[]TaskIds', versions: '0+' },
    { name: 'StandbyTasks', type: '[]TaskIds', versions: '0+' },
    { name: 'WarmupTasks', type: '[]TaskIds', versions: '0+' },
    { name: 'ActiveTasksPendingRevocation', type: '[]TaskIds', versions: '0+' },
    { name: 'StandbyTasksPendingRevocation', type: '[]TaskIds', versions: '0+' },
    { name: 'WarmupTasksPendingRevocation', type: '[]TaskIds', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'TaskIds',
      fields: [
        { name: 'SubtopologyId', type: 'string', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
        {
          name: 'AssignmentEpochs',
          type: '[]int32',
          versions: '0+',
          nullableVersions: '0+',
          taggedVersions: '0+',
          tag: 0,
          default: null,
        },
      ],
    },
  ],
}

/** Version 0. */
export interface StreamsGroupTopologyKey {
  groupId: string
}

/** What is written as a {@link StreamsGroupTopologyKey}. */
export interface StreamsGroupTopologyKeyInput {
  groupId: string
}

export const StreamsGroupTopologyKey: MessageSchema<StreamsGroupTopologyKey, StreamsGroupTopologyKeyInput> = {
  name: 'StreamsGroupTopologyKey',
  apiKey: 23,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'GroupId', type: 'string', versions: '0' }],
}

/** Version 0. */
export interface StreamsGroupTopologyValue {
  epoch: number
  subtopologies: {
    subtopologyId: string
    sourceTopics: string[]
    sourceTopicRegex: string[]
    stateChangelogTopics: {
      name: string
      partitions: number
      replicationFactor: number
      topicConfigs: { key: string; value: string; unknownTaggedFields?: RawTaggedField[] }[]
      unknownTaggedFields?: RawTaggedField[]
    }[]
    repartitionSinkTopics: string[]
    repartitionSourceTopics: {
      name: string
      partitions: number
      replicationFactor: number
      topicConfigs: { key: string; value: string; unknownTaggedFields?: RawTaggedField[] }[]
      unknownTaggedFields?: RawTaggedField[]
    }[]
    copartitionGroups: {
      sourceTopics: number[]
      sourceTopicRegex: number[]
      repartitionSourceTopics: number[]
      unknownTaggedFields?: RawTaggedField[]
    }[]
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link StreamsGroupTopologyValue}. */
export interface StreamsGroupTopologyValueInput {
  epoch: number
  subtopologies: readonly {
    subtopologyId: string
    sourceTopics: readonly string[]
    sourceTopicRegex: readonly string[]
    stateChangelogTopics: readonly {
      name: string
      partitions: number
      replicationFactor: number
      topicConfigs: readonly {
        key: string
        value: string
        unknownTaggedFields?: readonly RawTaggedField[] | undefined
      }[]
      unknownTaggedFields?: readonly RawTaggedField[] | undefined
    }[]
    repartitionSinkTopics: readonly string[]
    repartitionSourceTopics: readonly {
      name: string
      partitions: number
      replicationFactor: number
      topicConfigs: readonly {
        key: string
        value: string
        unknownTaggedFields?: readonly RawTaggedField[] | undefined
      }[]
      unknownTaggedFields?: readonly RawTaggedField[] | undefined
    }[]
    copartitionGroups: readonly {
      sourceTopics: readonly number[]
      sourceTopicRegex: readonly number[]
      repartitionSourceTopics: readonly number[]
      unknownTaggedFields?: readonly RawTaggedField[] | undefined
    }[]
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const StreamsGroupTopologyValue: MessageSchema<
  StreamsGroupTopologyValue,
  StreamsGroupTopologyValueInput
> = {
  name: 'StreamsGroupTopologyValue',
  apiKey: 23,
  type: 'coordinator-value',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Epoch', type: 'int32', versions: '0+' },
    {
      name: 'Subtopologies',
      type: '[]Subtopology',
      versions: '0+',
      fields: [
        { name: 'SubtopologyId', type: 'string', versions: '0+' },
        { name: 'SourceTopics', type: '[]string', versions: '0+' },
        { name: 'SourceTopicRegex', type: '[]string', versions: '0+' },
        { name: 'StateChangelogTopics', type: '[]TopicInfo', versions: '0+' },
        { name: 'RepartitionSinkTopics', type: '[]string', versions: '0+' },
        { name: 'RepartitionSourceTopics', type: '[]TopicInfo', versions: '0+' },
        {
          name: 'CopartitionGroups',
          type: '[]CopartitionGroup',
          versions: '0+',
          fields: [
            { name: 'SourceTopics', type: '[]int16', versions: '0+' },
            { name: 'SourceTopicRegex', type: '[]int16', versions: '0+' },
            { name: 'RepartitionSourceTopics', type: '[]int16', versions: '0+' },
          ],
        },
      ],
    },
  ],
  commonStructs: [
    {
      name: 'TopicConfig',
      fields: [
        { name: 'key', type: 'string', versions: '0+' },
        { name: 'value', type: 'string', versions: '0+' },
      ],
    },
    {
      name: 'TopicInfo',
      fields: [
        { name: 'Name', type: 'string', versions: '0+' },
        { name: 'Partitions', type: 'int32', versions: '0+' },
        { name: 'ReplicationFactor', type: 'int16', versions: '0+' },
        { name: 'TopicConfigs', type: '[]TopicConfig', versions: '0+' },
      ],
    },
  ],
}

export const GROUP_RECORDS = {
  LegacyOffsetCommit: { key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue },
  OffsetCommit: { key: OffsetCommitKey, value: OffsetCommitValue },
  GroupMetadata: { key: GroupMetadataKey, value: GroupMetadataValue },
  ConsumerGroupMetadata: { key: ConsumerGroupMetadataKey, value: ConsumerGroupMetadataValue },
  ConsumerGroupPartitionMetadata: {
    key: ConsumerGroupPartitionMetadataKey,
    value: ConsumerGroupPartitionMetadataValue,
  },
  ConsumerGroupMemberMetadata: {
    key: ConsumerGroupMemberMetadataKey,
    value: ConsumerGroupMemberMetadataValue,
  },
  ConsumerGroupTargetAssignmentMetadata: {
    key: ConsumerGroupTargetAssignmentMetadataKey,
    value: ConsumerGroupTargetAssignmentMetadataValue,
  },
  ConsumerGroupTargetAssignmentMember: {
    key: ConsumerGroupTargetAssignmentMemberKey,
    value: ConsumerGroupTargetAssignmentMemberValue,
  },
  ConsumerGroupCurrentMemberAssignment: {
    key: ConsumerGroupCurrentMemberAssignmentKey,
    value: ConsumerGroupCurrentMemberAssignmentValue,
  },
  ShareGroupMemberMetadata: { key: ShareGroupMemberMetadataKey, value: ShareGroupMemberMetadataValue },
  ShareGroupMetadata: { key: ShareGroupMetadataKey, value: ShareGroupMetadataValue },
  ShareGroupTargetAssignmentMetadata: {
    key: ShareGroupTargetAssignmentMetadataKey,
    value: ShareGroupTargetAssignmentMetadataValue,
  },
  ShareGroupTargetAssignmentMember: {
    key: ShareGroupTargetAssignmentMemberKey,
    value: ShareGroupTargetAssignmentMemberValue,
  },
  ShareGroupCurrentMemberAssignment: {
    key: ShareGroupCurrentMemberAssignmentKey,
    value: ShareGroupCurrentMemberAssignmentValue,
  },
  ShareGroupStatePartitionMetadata: {
    key: ShareGroupStatePartitionMetadataKey,
    value: ShareGroupStatePartitionMetadataValue,
  },
  ConsumerGroupRegularExpression: {
    key: ConsumerGroupRegularExpressionKey,
    value: ConsumerGroupRegularExpressionValue,
  },
  StreamsGroupMetadata: { key: StreamsGroupMetadataKey, value: StreamsGroupMetadataValue },
  StreamsGroupMemberMetadata: { key: StreamsGroupMemberMetadataKey, value: StreamsGroupMemberMetadataValue },
  StreamsGroupTargetAssignmentMetadata: {
    key: StreamsGroupTargetAssignmentMetadataKey,
    value: StreamsGroupTargetAssignmentMetadataValue,
  },
  StreamsGroupTargetAssignmentMember: {
    key: StreamsGroupTargetAssignmentMemberKey,
    value: StreamsGroupTargetAssignmentMemberValue,
  },
  StreamsGroupCurrentMemberAssignment: {
    key: StreamsGroupCurrentMemberAssignmentKey,
    value: StreamsGroupCurrentMemberAssignmentValue,
  },
  StreamsGroupTopology: { key: StreamsGroupTopologyKey, value: StreamsGroupTopologyValue },
} as const
