// Written by scripts/generate-messages.mjs from packages/protocol/schemas. Change those, then run it again.

import type { MessageSchema, RawTaggedField } from '../schema.ts'

/** Version 0. */
export interface TransactionLogKey {
  transactionalId: string
}

/** What is written as a {@link TransactionLogKey}. */
export interface TransactionLogKeyInput {
  transactionalId: string
}

export const TransactionLogKey: MessageSchema<TransactionLogKey, TransactionLogKeyInput> = {
  name: 'TransactionLogKey',
  apiKey: 0,
  type: 'coordinator-key',
  validVersions: '0',
  flexibleVersions: 'none',
  fields: [{ name: 'TransactionalId', type: 'string', versions: '0' }],
}

/** Versions 0-1. */
export interface TransactionLogValue {
  producerId: number
  previousProducerId: number
  nextProducerId: number
  producerEpoch: number
  nextProducerEpoch: number
  transactionTimeoutMs: number
  transactionStatus: number
  transactionPartitions:
    { topic: string; partitionIds: number[]; unknownTaggedFields?: RawTaggedField[] }[] | null
  transactionLastUpdateTimestampMs: number
  transactionStartTimestampMs: number
  clientTransactionVersion: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link TransactionLogValue}. */
export interface TransactionLogValueInput {
  producerId: number
  previousProducerId?: number | undefined
  nextProducerId?: number | undefined
  producerEpoch: number
  nextProducerEpoch?: number | undefined
  transactionTimeoutMs: number
  transactionStatus: number
  transactionPartitions?:
    | (
        | readonly {
            topic: string
            partitionIds: readonly number[]
            unknownTaggedFields?: readonly RawTaggedField[] | undefined
          }[]
        | null
      )
    | undefined
  transactionLastUpdateTimestampMs: number
  transactionStartTimestampMs: number
  clientTransactionVersion?: number | undefined
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const TransactionLogValue: MessageSchema<TransactionLogValue, TransactionLogValueInput> = {
  name: 'TransactionLogValue',
  apiKey: 0,
  type: 'coordinator-value',
  validVersions: '0-1',
  flexibleVersions: '1+',
  fields: [
    { name: 'ProducerId', type: 'int64', versions: '0+' },
    { name: 'PreviousProducerId', type: 'int64', taggedVersions: '1+', tag: 0, default: -1 },
    { name: 'NextProducerId', type: 'int64', taggedVersions: '1+', tag: 1, default: -1 },
    { name: 'ProducerEpoch', type: 'int16', versions: '0+' },
    { name: 'NextProducerEpoch', type: 'int16', taggedVersions: '1+', tag: 3, default: -1 },
    { name: 'TransactionTimeoutMs', type: 'int32', versions: '0+' },
    { name: 'TransactionStatus', type: 'int8', versions: '0+' },
    {
      name: 'TransactionPartitions',
      type: '[]PartitionsSchema',
      versions: '0+',
      nullableVersions: '0+',
      fields: [
        { name: 'Topic', type: 'string', versions: '0+' },
        { name: 'PartitionIds', type: '[]int32', versions: '0+' },
      ],
    },
    { name: 'TransactionLastUpdateTimestampMs', type: 'int64', versions: '0+' },
    { name: 'TransactionStartTimestampMs', type: 'int64', versions: '0+' },
    { name: 'ClientTransactionVersion', type: 'int16', taggedVersions: '1+', tag: 2, default: 0 },
  ],
}

export const TRANSACTION_RECORDS = {
  TransactionLog: { key: TransactionLogKey, value: TransactionLogValue },
} as const
