// Written by scripts/generate-messages.mjs from packages/protocol/schemas. Change those, then run it again.

import type { MessageSchema } from '../schema.ts'

/** Versions 0-3. */
export interface ConsumerProtocolSubscription {
  topics: string[]
  userData: Buffer | null
  ownedPartitions: { topic: string; partitions: number[] }[]
  generationId: number
  rackId: string | null
}

/** What is written as a {@link ConsumerProtocolSubscription}. */
export interface ConsumerProtocolSubscriptionInput {
  topics: readonly string[]
  userData?: (Uint8Array | null) | undefined
  ownedPartitions?:
    readonly { topic?: string | undefined; partitions?: readonly number[] | undefined }[] | undefined
  generationId?: number | undefined
  rackId?: (string | null) | undefined
}

export const ConsumerProtocolSubscription: MessageSchema<
  ConsumerProtocolSubscription,
  ConsumerProtocolSubscriptionInput
> = {
  name: 'ConsumerProtocolSubscription',
  type: 'data',
  validVersions: '0-3',
  flexibleVersions: 'none',
  fields: [
    { name: 'Topics', type: '[]string', versions: '0+' },
    { name: 'UserData', type: 'bytes', versions: '0+', nullableVersions: '0+', default: 'null' },
    {
      name: 'OwnedPartitions',
      type: '[]TopicPartition',
      versions: '1+',
      ignorable: true,
      fields: [
        { name: 'Topic', type: 'string', versions: '1+' },
        { name: 'Partitions', type: '[]int32', versions: '1+' },
      ],
    },
    { name: 'GenerationId', type: 'int32', versions: '2+', default: '-1', ignorable: true },
    {
      name: 'RackId',
      type: 'string',
      versions: '3+',
      nullableVersions: '3+',
      default: 'null',
      ignorable: true,
    },
  ],
}

/** Versions 0-3. */
export interface ConsumerProtocolAssignment {
  assignedPartitions: { topic: string; partitions: number[] }[]
  userData: Buffer | null
}

/** What is written as a {@link ConsumerProtocolAssignment}. */
export interface ConsumerProtocolAssignmentInput {
  assignedPartitions: readonly { topic: string; partitions: readonly number[] }[]
  userData?: (Uint8Array | null) | undefined
}

export const ConsumerProtocolAssignment: MessageSchema<
  ConsumerProtocolAssignment,
  ConsumerProtocolAssignmentInput
> = {
  name: 'ConsumerProtocolAssignment',
  type: 'data',
  validVersions: '0-3',
  flexibleVersions: 'none',
  fields: [
    {
      name: 'AssignedPartitions',
      type: '[]TopicPartition',
      versions: '0+',
      fields: [
        { name: 'Topic', type: 'string', versions: '0+' },
        { name: 'Partitions', type: '[]int32', versions: '0+' },
      ],
    },
    { name: 'UserData', type: 'bytes', versions: '0+', nullableVersions: '0+', default: 'null' },
  ],
}
