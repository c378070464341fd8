// Written by scripts/generate-messages.mjs from packages/protocol/schemas. Change those, then run it again.

import type { MessageSchema, RawTaggedField } from '../schema.ts'

/** Versions 0-4. */
export interface RegisterBrokerRecord {
  brokerId: number
  isMigratingZkBroker: boolean
  incarnationId: string
  brokerEpoch: number
  endPoints: {
    name: string
    host: string
    port: number
    securityProtocol: number
    unknownTaggedFields?: RawTaggedField[]
  }[]
  features: {
    name: string
    minSupportedVersion: number
    maxSupportedVersion: number
    unknownTaggedFields?: RawTaggedField[]
  }[]
  rack: string | null
  fenced: boolean
  inControlledShutdown: boolean
  logDirs: string[]
  cordonedLogDirs: string[] | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link RegisterBrokerRecord}. */
export interface RegisterBrokerRecordInput {
  brokerId: number
  isMigratingZkBroker?: boolean | undefined
  incarnationId: string
  brokerEpoch: number
  endPoints: readonly {
    name: string
    host: string
    port: number
    securityProtocol: number
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  features: readonly {
    name: string
    minSupportedVersion: number
    maxSupportedVersion: number
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  rack?: (string | null) | undefined
  fenced?: boolean | undefined
  inControlledShutdown?: boolean | undefined
  logDirs?: readonly string[] | undefined
  cordonedLogDirs?: (readonly string[] | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const RegisterBrokerRecord: MessageSchema<RegisterBrokerRecord, RegisterBrokerRecordInput> = {
  name: 'RegisterBrokerRecord',
  apiKey: 0,
  type: 'metadata',
  validVersions: '0-4',
  flexibleVersions: '0+',
  fields: [
    { name: 'BrokerId', type: 'int32', versions: '0+' },
    { name: 'IsMigratingZkBroker', type: 'bool', versions: '2+', default: 'false' },
    { name: 'IncarnationId', type: 'uuid', versions: '0+' },
    { name: 'BrokerEpoch', type: 'int64', versions: '0+' },
    {
      name: 'EndPoints',
      type: '[]BrokerEndpoint',
      versions: '0+',
      fields: [
        { name: 'Name', type: 'string', versions: '0+' },
        { name: 'Host', type: 'string', versions: '0+' },
        { name: 'Port', type: 'uint16', versions: '0+' },
        { name: 'SecurityProtocol', type: 'int16', versions: '0+' },
      ],
    },
    {
      name: 'Features',
      type: '[]BrokerFeature',
      versions: '0+',
      fields: [
        { name: 'Name', type: 'string', versions: '0+' },
        { name: 'MinSupportedVersion', type: 'int16', versions: '0+' },
        { name: 'MaxSupportedVersion', type: 'int16', versions: '0+' },
      ],
    },
    { name: 'Rack', type: 'string', versions: '0+', nullableVersions: '0+' },
    { name: 'Fenced', type: 'bool', versions: '0+', default: 'true' },
    { name: 'InControlledShutdown', type: 'bool', versions: '1+', default: 'false' },
    { name: 'LogDirs', type: '[]uuid', versions: '3+', taggedVersions: '3+', tag: 0 },
    {
      name: 'CordonedLogDirs',
      type: '[]uuid',
      versions: '4+',
      nullableVersions: '4+',
      taggedVersions: '4+',
      tag: 1,
      default: 'null',
    },
  ],
}

/** Version 0. */
export interface UnregisterBrokerRecord {
  brokerId: number
  brokerEpoch: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link UnregisterBrokerRecord}. */
export interface UnregisterBrokerRecordInput {
  brokerId: number
  brokerEpoch: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const UnregisterBrokerRecord: MessageSchema<UnregisterBrokerRecord, UnregisterBrokerRecordInput> = {
  name: 'UnregisterBrokerRecord',
  apiKey: 1,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'BrokerId', type: 'int32', versions: '0+' },
    { name: 'BrokerEpoch', type: 'int64', versions: '0+' },
  ],
}

/** Version 0. */
export interface TopicRecord {
  name: string
  topicId: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link TopicRecord}. */
export interface TopicRecordInput {
  name: string
  topicId: string
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const TopicRecord: MessageSchema<TopicRecord, TopicRecordInput> = {
  name: 'TopicRecord',
  apiKey: 2,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Name', type: 'string', versions: '0+' },
    { name: 'TopicId', type: 'uuid', versions: '0+' },
  ],
}

/** Versions 0-2. */
export interface PartitionRecord {
  partitionId: number
  topicId: string
  replicas: number[]
  isr: number[]
  removingReplicas: number[]
  addingReplicas: number[]
  leader: number
  leaderRecoveryState: number
  leaderEpoch: number
  partitionEpoch: number
  directories: string[]
  eligibleLeaderReplicas: number[] | null
  lastKnownElr: number[] | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link PartitionRecord}. */
export interface PartitionRecordInput {
  partitionId?: number | undefined
  topicId: string
  replicas: readonly number[]
  isr: readonly number[]
  removingReplicas: readonly number[]
  addingReplicas: readonly number[]
  leader?: number | undefined
  leaderRecoveryState?: number | undefined
  leaderEpoch?: number | undefined
  partitionEpoch?: number | undefined
  directories?: readonly string[] | undefined
  eligibleLeaderReplicas?: (readonly number[] | null) | undefined
  lastKnownElr?: (readonly number[] | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const PartitionRecord: MessageSchema<PartitionRecord, PartitionRecordInput> = {
  name: 'PartitionRecord',
  apiKey: 3,
  type: 'metadata',
  validVersions: '0-2',
  flexibleVersions: '0+',
  fields: [
    { name: 'PartitionId', type: 'int32', versions: '0+', default: '-1' },
    { name: 'TopicId', type: 'uuid', versions: '0+' },
    { name: 'Replicas', type: '[]int32', versions: '0+' },
    { name: 'Isr', type: '[]int32', versions: '0+' },
    { name: 'RemovingReplicas', type: '[]int32', versions: '0+' },
    { name: 'AddingReplicas', type: '[]int32', versions: '0+' },
    { name: 'Leader', type: 'int32', versions: '0+', default: '-1' },
    { name: 'LeaderRecoveryState', type: 'int8', versions: '0+', taggedVersions: '0+', tag: 0, default: '0' },
    { name: 'LeaderEpoch', type: 'int32', versions: '0+', default: '-1' },
    { name: 'PartitionEpoch', type: 'int32', versions: '0+', default: '-1' },
    { name: 'Directories', type: '[]uuid', versions: '1+' },
    {
      name: 'EligibleLeaderReplicas',
      type: '[]int32',
      versions: '2+',
      nullableVersions: '2+',
      taggedVersions: '2+',
      tag: 1,
      default: 'null',
    },
    {
      name: 'LastKnownElr',
      type: '[]int32',
      versions: '2+',
      nullableVersions: '2+',
      taggedVersions: '2+',
      tag: 2,
      default: 'null',
    },
  ],
}

/** Version 0. */
export interface ConfigRecord {
  resourceType: number
  resourceName: string
  name: string
  value: string | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ConfigRecord}. */
export interface ConfigRecordInput {
  resourceType: number
  resourceName: string
  name: string
  value?: (string | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ConfigRecord: MessageSchema<ConfigRecord, ConfigRecordInput> = {
  name: 'ConfigRecord',
  apiKey: 4,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'ResourceType', type: 'int8', versions: '0+' },
    { name: 'ResourceName', type: 'string', versions: '0+' },
    { name: 'Name', type: 'string', versions: '0+' },
    { name: 'Value', type: 'string', versions: '0+', nullableVersions: '0+' },
  ],
}

/** Versions 0-2. */
export interface PartitionChangeRecord {
  partitionId: number
  topicId: string
  isr: number[] | null
  leader: number
  replicas: number[] | null
  removingReplicas: number[] | null
  addingReplicas: number[] | null
  leaderRecoveryState: number
  directories: string[] | null
  eligibleLeaderReplicas: number[] | null
  lastKnownElr: number[] | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link PartitionChangeRecord}. */
export interface PartitionChangeRecordInput {
  partitionId?: number | undefined
  topicId: string
  isr?: (readonly number[] | null) | undefined
  leader?: number | undefined
  replicas?: (readonly number[] | null) | undefined
  removingReplicas?: (readonly number[] | null) | undefined
  addingReplicas?: (readonly number[] | null) | undefined
  leaderRecoveryState?: number | undefined
  directories?: (readonly string[] | null) | undefined
  eligibleLeaderReplicas?: (readonly number[] | null) | undefined
  lastKnownElr?: (readonly number[] | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const PartitionChangeRecord: MessageSchema<PartitionChangeRecord, PartitionChangeRecordInput> = {
  name: 'PartitionChangeRecord',
  apiKey: 5,
  type: 'metadata',
  validVersions: '0-2',
  flexibleVersions: '0+',
  fields: [
    { name: 'PartitionId', type: 'int32', versions: '0+', default: '-1' },
    { name: 'TopicId', type: 'uuid', versions: '0+' },
    {
      name: 'Isr',
      type: '[]int32',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: 'null',
    },
    { name: 'Leader', type: 'int32', versions: '0+', taggedVersions: '0+', tag: 1, default: '-2' },
    {
      name: 'Replicas',
      type: '[]int32',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 2,
      default: 'null',
    },
    {
      name: 'RemovingReplicas',
      type: '[]int32',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 3,
      default: 'null',
    },
    {
      name: 'AddingReplicas',
      type: '[]int32',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 4,
      default: 'null',
    },
    {
      name: 'LeaderRecoveryState',
      type: 'int8',
      versions: '0+',
      taggedVersions: '0+',
      tag: 5,
      default: '-1',
    },
    {
      name: 'Directories',
      type: '[]uuid',
      versions: '1+',
      nullableVersions: '1+',
      taggedVersions: '1+',
      tag: 8,
      default: 'null',
    },
    {
      name: 'EligibleLeaderReplicas',
      type: '[]int32',
      versions: '2+',
      nullableVersions: '2+',
      taggedVersions: '2+',
      tag: 6,
      default: 'null',
    },
    {
      name: 'LastKnownElr',
      type: '[]int32',
      versions: '2+',
      nullableVersions: '2+',
      taggedVersions: '2+',
      tag: 7,
      default: 'null',
    },
  ],
}

/** Version 0. */
export interface FenceBrokerRecord {
  id: number
  epoch: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link FenceBrokerRecord}. */
export interface FenceBrokerRecordInput {
  id: number
  epoch: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const FenceBrokerRecord: MessageSchema<FenceBrokerRecord, FenceBrokerRecordInput> = {
  name: 'FenceBrokerRecord',
  apiKey: 7,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Id', type: 'int32', versions: '0+' },
    { name: 'Epoch', type: 'int64', versions: '0+' },
  ],
}

/** Version 0. */
export interface UnfenceBrokerRecord {
  id: number
  epoch: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link UnfenceBrokerRecord}. */
export interface UnfenceBrokerRecordInput {
  id: number
  epoch: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const UnfenceBrokerRecord: MessageSchema<UnfenceBrokerRecord, UnfenceBrokerRecordInput> = {
  name: 'UnfenceBrokerRecord',
  apiKey: 8,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Id', type: 'int32', versions: '0+' },
    { name: 'Epoch', type: 'int64', versions: '0+' },
  ],
}

/** Version 0. */
export interface RemoveTopicRecord {
  topicId: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link RemoveTopicRecord}. */
export interface RemoveTopicRecordInput {
  topicId: string
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const RemoveTopicRecord: MessageSchema<RemoveTopicRecord, RemoveTopicRecordInput> = {
  name: 'RemoveTopicRecord',
  apiKey: 9,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [{ name: 'TopicId', type: 'uuid', versions: '0+' }],
}

/** Version 0. */
export interface DelegationTokenRecord {
  owner: string
  requester: string
  renewers: string[]
  issueTimestamp: number
  maxTimestamp: number
  expirationTimestamp: number
  tokenId: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link DelegationTokenRecord}. */
export interface DelegationTokenRecordInput {
  owner: string
  requester: string
  renewers: readonly string[]
  issueTimestamp: number
  maxTimestamp: number
  expirationTimestamp: number
  tokenId: string
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const DelegationTokenRecord: MessageSchema<DelegationTokenRecord, DelegationTokenRecordInput> = {
  name: 'DelegationTokenRecord',
  apiKey: 10,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Owner', type: 'string', versions: '0+' },
    { name: 'Requester', type: 'string', versions: '0+' },
    { name: 'Renewers', type: '[]string', versions: '0+' },
    { name: 'IssueTimestamp', type: 'int64', versions: '0+' },
    { name: 'MaxTimestamp', type: 'int64', versions: '0+' },
    { name: 'ExpirationTimestamp', type: 'int64', versions: '0+' },
    { name: 'TokenId', type: 'string', versions: '0+' },
  ],
}

/** Version 0. */
export interface UserScramCredentialRecord {
  name: string
  mechanism: number
  salt: Buffer
  storedKey: Buffer
  serverKey: Buffer
  iterations: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link UserScramCredentialRecord}. */
export interface UserScramCredentialRecordInput {
  name: string
  mechanism: number
  salt: Uint8Array
  storedKey: Uint8Array
  serverKey: Uint8Array
  iterations: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const UserScramCredentialRecord: MessageSchema<
  UserScramCredentialRecord,
  UserScramCredentialRecordInput
> = {
  name: 'UserScramCredentialRecord',
  apiKey: 11,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Name', type: 'string', versions: '0+' },
    { name: 'Mechanism', type: 'int8', versions: '0+' },
    { name: 'Salt', type: 'bytes', versions: '0+' },
    { name: 'StoredKey', type: 'bytes', versions: '0+' },
    { name: 'ServerKey', type: 'bytes', versions: '0+' },
    { name: 'Iterations', type: 'int32', versions: '0+' },
  ],
}

/** Version 0. */
export interface FeatureLevelRecord {
  name: string
  featureLevel: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link FeatureLevelRecord}. */
export interface FeatureLevelRecordInput {
  name: string
  featureLevel: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const FeatureLevelRecord: MessageSchema<FeatureLevelRecord, FeatureLevelRecordInput> = {
  name: 'FeatureLevelRecord',
  apiKey: 12,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Name', type: 'string', versions: '0+' },
    { name: 'FeatureLevel', type: 'int16', versions: '0+' },
  ],
}

/** Version 0. */
export interface ClientQuotaRecord {
  entity: { entityType: string; entityName: string | null; unknownTaggedFields?: RawTaggedField[] }[]
  key: string
  value: number
  remove: boolean
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ClientQuotaRecord}. */
export interface ClientQuotaRecordInput {
  entity: readonly {
    entityType: string
    entityName?: (string | null) | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  key: string
  value: number
  remove: boolean
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ClientQuotaRecord: MessageSchema<ClientQuotaRecord, ClientQuotaRecordInput> = {
  name: 'ClientQuotaRecord',
  apiKey: 14,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    {
      name: 'Entity',
      type: '[]EntityData',
      versions: '0+',
      fields: [
        { name: 'EntityType', type: 'string', versions: '0+' },
        { name: 'EntityName', type: 'string', versions: '0+', nullableVersions: '0+' },
      ],
    },
    { name: 'Key', type: 'string', versions: '0+' },
    { name: 'Value', type: 'float64', versions: '0+' },
    { name: 'Remove', type: 'bool', versions: '0+' },
  ],
}

/** Version 0. */
export interface ProducerIdsRecord {
  brokerId: number
  brokerEpoch: number
  nextProducerId: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ProducerIdsRecord}. */
export interface ProducerIdsRecordInput {
  brokerId: number
  brokerEpoch?: number | undefined
  nextProducerId: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ProducerIdsRecord: MessageSchema<ProducerIdsRecord, ProducerIdsRecordInput> = {
  name: 'ProducerIdsRecord',
  apiKey: 15,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'BrokerId', type: 'int32', versions: '0+' },
    { name: 'BrokerEpoch', type: 'int64', versions: '0+', default: '-1' },
    { name: 'NextProducerId', type: 'int64', versions: '0+' },
  ],
}

/** Versions 0-3. */
export interface BrokerRegistrationChangeRecord {
  brokerId: number
  brokerEpoch: number
  fenced: number
  inControlledShutdown: number
  logDirs: string[]
  cordonedLogDirs: string[] | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link BrokerRegistrationChangeRecord}. */
export interface BrokerRegistrationChangeRecordInput {
  brokerId: number
  brokerEpoch: number
  fenced?: number | undefined
  inControlledShutdown?: number | undefined
  logDirs?: readonly string[] | undefined
  cordonedLogDirs?: (readonly string[] | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const BrokerRegistrationChangeRecord: MessageSchema<
  BrokerRegistrationChangeRecord,
  BrokerRegistrationChangeRecordInput
> = {
  name: 'BrokerRegistrationChangeRecord',
  apiKey: 17,
  type: 'metadata',
  validVersions: '0-3',
  flexibleVersions: '0+',
  fields: [
    { name: 'BrokerId', type: 'int32', versions: '0+' },
    { name: 'BrokerEpoch', type: 'int64', versions: '0+' },
    { name: 'Fenced', type: 'int8', versions: '0+', taggedVersions: '0+', tag: 0 },
    { name: 'InControlledShutdown', type: 'int8', versions: '1+', taggedVersions: '1+', tag: 1 },
    { name: 'LogDirs', type: '[]uuid', versions: '2+', taggedVersions: '2+', tag: 2 },
    {
      name: 'CordonedLogDirs',
      type: '[]uuid',
      versions: '3+',
      nullableVersions: '3+',
      taggedVersions: '3+',
      tag: 3,
      default: 'null',
    },
  ],
}

/** Version 0. */
export interface AccessControlEntryRecord {
  id: string
  resourceType: number
  resourceName: string
  patternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link AccessControlEntryRecord}. */
export interface AccessControlEntryRecordInput {
  id: string
  resourceType: number
  resourceName: string
  patternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const AccessControlEntryRecord: MessageSchema<
  AccessControlEntryRecord,
  AccessControlEntryRecordInput
> = {
  name: 'AccessControlEntryRecord',
  apiKey: 18,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Id', type: 'uuid', versions: '0+' },
    { name: 'ResourceType', type: 'int8', versions: '0+' },
    { name: 'ResourceName', type: 'string', versions: '0+' },
    { name: 'PatternType', type: 'int8', versions: '0+' },
    { name: 'Principal', type: 'string', versions: '0+' },
    { name: 'Host', type: 'string', versions: '0+' },
    { name: 'Operation', type: 'int8', versions: '0+' },
    { name: 'PermissionType', type: 'int8', versions: '0+' },
  ],
}

/** Version 0. */
export interface RemoveAccessControlEntryRecord {
  id: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link RemoveAccessControlEntryRecord}. */
export interface RemoveAccessControlEntryRecordInput {
  id: string
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const RemoveAccessControlEntryRecord: MessageSchema<
  RemoveAccessControlEntryRecord,
  RemoveAccessControlEntryRecordInput
> = {
  name: 'RemoveAccessControlEntryRecord',
  apiKey: 19,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [{ name: 'Id', type: 'uuid', versions: '0+' }],
}

/** Version 0. */
export interface NoOpRecord {
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link NoOpRecord}. */
export interface NoOpRecordInput {
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const NoOpRecord: MessageSchema<NoOpRecord, NoOpRecordInput> = {
  name: 'NoOpRecord',
  apiKey: 20,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [],
}

/** Version 0. */
export interface ZkMigrationStateRecord {
  zkMigrationState: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ZkMigrationStateRecord}. */
export interface ZkMigrationStateRecordInput {
  zkMigrationState: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ZkMigrationStateRecord: MessageSchema<ZkMigrationStateRecord, ZkMigrationStateRecordInput> = {
  name: 'ZkMigrationStateRecord',
  apiKey: 21,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [{ name: 'ZkMigrationState', type: 'int8', versions: '0+' }],
}

/** Version 0. */
export interface RemoveUserScramCredentialRecord {
  name: string
  mechanism: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link RemoveUserScramCredentialRecord}. */
export interface RemoveUserScramCredentialRecordInput {
  name: string
  mechanism: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const RemoveUserScramCredentialRecord: MessageSchema<
  RemoveUserScramCredentialRecord,
  RemoveUserScramCredentialRecordInput
> = {
  name: 'RemoveUserScramCredentialRecord',
  apiKey: 22,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Name', type: 'string', versions: '0+' },
    { name: 'Mechanism', type: 'int8', versions: '0+' },
  ],
}

/** Version 0. */
export interface BeginTransactionRecord {
  name: string | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link BeginTransactionRecord}. */
export interface BeginTransactionRecordInput {
  name?: (string | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const BeginTransactionRecord: MessageSchema<BeginTransactionRecord, BeginTransactionRecordInput> = {
  name: 'BeginTransactionRecord',
  apiKey: 23,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    {
      name: 'Name',
      type: 'string',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: 'null',
    },
  ],
}

/** Version 0. */
export interface EndTransactionRecord {
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link EndTransactionRecord}. */
export interface EndTransactionRecordInput {
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const EndTransactionRecord: MessageSchema<EndTransactionRecord, EndTransactionRecordInput> = {
  name: 'EndTransactionRecord',
  apiKey: 24,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [],
}

/** Version 0. */
export interface AbortTransactionRecord {
  reason: string | null
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link AbortTransactionRecord}. */
export interface AbortTransactionRecordInput {
  reason?: (string | null) | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const AbortTransactionRecord: MessageSchema<AbortTransactionRecord, AbortTransactionRecordInput> = {
  name: 'AbortTransactionRecord',
  apiKey: 25,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    {
      name: 'Reason',
      type: 'string',
      versions: '0+',
      nullableVersions: '0+',
      taggedVersions: '0+',
      tag: 0,
      default: 'null',
    },
  ],
}

/** Version 0. */
export interface RemoveDelegationTokenRecord {
  tokenId: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link RemoveDelegationTokenRecord}. */
export interface RemoveDelegationTokenRecordInput {
  tokenId: string
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const RemoveDelegationTokenRecord: MessageSchema<
  RemoveDelegationTokenRecord,
  RemoveDelegationTokenRecordInput
> = {
  name: 'RemoveDelegationTokenRecord',
  apiKey: 26,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [{ name: 'TokenId', type: 'string', versions: '0+' }],
}

/** Version 0. */
export interface RegisterControllerRecord {
  controllerId: number
  incarnationId: string
  zkMigrationReady: boolean
  endPoints: {
    name: string
    host: string
    port: number
    securityProtocol: number
    unknownTaggedFields?: RawTaggedField[]
  }[]
  features: {
    name: string
    minSupportedVersion: number
    maxSupportedVersion: number
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link RegisterControllerRecord}. */
export interface RegisterControllerRecordInput {
  controllerId: number
  incarnationId: string
  zkMigrationReady: boolean
  endPoints: readonly {
    name: string
    host: string
    port: number
    securityProtocol: number
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  features: readonly {
    name: string
    minSupportedVersion: number
    maxSupportedVersion: number
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const RegisterControllerRecord: MessageSchema<
  RegisterControllerRecord,
  RegisterControllerRecordInput
> = {
  name: 'RegisterControllerRecord',
  apiKey: 27,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'ControllerId', type: 'int32', versions: '0+' },
    { name: 'IncarnationId', type: 'uuid', versions: '0+' },
    { name: 'ZkMigrationReady', type: 'bool', versions: '0+' },
    {
      name: 'EndPoints',
      type: '[]ControllerEndpoint',
      versions: '0+',
      fields: [
        { name: 'Name', type: 'string', versions: '0+' },
        { name: 'Host', type: 'string', versions: '0+' },
        { name: 'Port', type: 'uint16', versions: '0+' },
        { name: 'SecurityProtocol', type: 'int16', versions: '0+' },
      ],
    },
    {
      name: 'Features',
      type: '[]ControllerFeature',
      versions: '0+',
      fields: [
        { name: 'Name', type: 'string', versions: '0+' },
        { name: 'MinSupportedVersion', type: 'int16', versions: '0+' },
        { name: 'MaxSupportedVersion', type: 'int16', versions: '0+' },
      ],
    },
  ],
}

/** Version 0. */
export interface ClearElrRecord {
  topicName: string
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link ClearElrRecord}. */
export interface ClearElrRecordInput {
  topicName: string
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const ClearElrRecord: MessageSchema<ClearElrRecord, ClearElrRecordInput> = {
  name: 'ClearElrRecord',
  apiKey: 28,
  type: 'metadata',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [{ name: 'TopicName', type: 'string', versions: '0+' }],
}

export const METADATA_RECORDS = {
  RegisterBrokerRecord: RegisterBrokerRecord,
  UnregisterBrokerRecord: UnregisterBrokerRecord,
  TopicRecord: TopicRecord,
  PartitionRecord: PartitionRecord,
  ConfigRecord: ConfigRecord,
  PartitionChangeRecord: PartitionChangeRecord,
  FenceBrokerRecord: FenceBrokerRecord,
  UnfenceBrokerRecord: UnfenceBrokerRecord,
  RemoveTopicRecord: RemoveTopicRecord,
  DelegationTokenRecord: DelegationTokenRecord,
  UserScramCredentialRecord: UserScramCredentialRecord,
  FeatureLevelRecord: FeatureLevelRecord,
  ClientQuotaRecord: ClientQuotaRecord,
  ProducerIdsRecord: ProducerIdsRecord,
  BrokerRegistrationChangeRecord: BrokerRegistrationChangeRecord,
  AccessControlEntryRecord: AccessControlEntryRecord,
  RemoveAccessControlEntryRecord: RemoveAccessControlEntryRecord,
  NoOpRecord: NoOpRecord,
  ZkMigrationStateRecord: ZkMigrationStateRecord,
  RemoveUserScramCredentialRecord: RemoveUserScramCredentialRecord,
  BeginTransactionRecord: BeginTransactionRecord,
  EndTransactionRecord: EndTransactionRecord,
  AbortTransactionRecord: AbortTransactionRecord,
  RemoveDelegationTokenRecord: RemoveDelegationTokenRecord,
  RegisterControllerRecord: RegisterControllerRecord,
  ClearElrRecord: ClearElrRecord,
} as const
