// Written by scripts/generate-messages.mjs from packages/protocol/schemas. Change those, then run it again.

import type { MessageSchema, RawTaggedField } from '../schema.ts'

/** Versions 0-1. */
export interface LeaderChangeMessage {
  version: number
  leaderId: number
  voters: { voterId: number; voterDirectoryId: string; unknownTaggedFields?: RawTaggedField[] }[]
  grantingVoters: { voterId: number; voterDirectoryId: string; unknownTaggedFields?: RawTaggedField[] }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link LeaderChangeMessage}. */
export interface LeaderChangeMessageInput {
  version: number
  leaderId: number
  voters: readonly {
    voterId: number
    voterDirectoryId?: string | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  grantingVoters: readonly {
    voterId: number
    voterDirectoryId?: string | undefined
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const LeaderChangeMessage: MessageSchema<LeaderChangeMessage, LeaderChangeMessageInput> = {
  name: 'LeaderChangeMessage',
  type: 'data',
  validVersions: '0-1',
  flexibleVersions: '0+',
  fields: [
    { name: 'Version', type: 'int16', versions: '0+' },
    { name: 'LeaderId', type: 'int32', versions: '0+' },
    { name: 'Voters', type: '[]Voter', versions: '0+' },
    { name: 'GrantingVoters', type: '[]Voter', versions: '0+' },
  ],
  commonStructs: [
    {
      name: 'Voter',
      fields: [
        { name: 'VoterId', type: 'int32', versions: '0+' },
        { name: 'VoterDirectoryId', type: 'uuid', versions: '1+' },
      ],
    },
  ],
}

/** Version 0. */
export interface SnapshotHeaderRecord {
  version: number
  lastContainedLogTimestamp: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link SnapshotHeaderRecord}. */
export interface SnapshotHeaderRecordInput {
  version: number
  lastContainedLogTimestamp: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const SnapshotHeaderRecord: MessageSchema<SnapshotHeaderRecord, SnapshotHeaderRecordInput> = {
  name: 'SnapshotHeaderRecord',
  type: 'data',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Version', type: 'int16', versions: '0+' },
    { name: 'LastContainedLogTimestamp', type: 'int64', versions: '0+' },
  ],
}

/** Version 0. */
export interface SnapshotFooterRecord {
  version: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link SnapshotFooterRecord}. */
export interface SnapshotFooterRecordInput {
  version: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const SnapshotFooterRecord: MessageSchema<SnapshotFooterRecord, SnapshotFooterRecordInput> = {
  name: 'SnapshotFooterRecord',
  type: 'data',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [{ name: 'Version', type: 'int16', versions: '0+' }],
}

/** Version 0. */
export interface KRaftVersionRecord {
  version: number
  kRaftVersion: number
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link KRaftVersionRecord}. */
export interface KRaftVersionRecordInput {
  version: number
  kRaftVersion: number
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const KRaftVersionRecord: MessageSchema<KRaftVersionRecord, KRaftVersionRecordInput> = {
  name: 'KRaftVersionRecord',
  type: 'data',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Version', type: 'int16', versions: '0+' },
    { name: 'KRaftVersion', type: 'int16', versions: '0+' },
  ],
}

/** Version 0. */
export interface VotersRecord {
  version: number
  voters: {
    voterId: number
    voterDirectoryId: string
    endpoints: { name: string; host: string; port: number; unknownTaggedFields?: RawTaggedField[] }[]
    kRaftVersionFeature: {
      minSupportedVersion: number
      maxSupportedVersion: number
      unknownTaggedFields?: RawTaggedField[]
    }
    unknownTaggedFields?: RawTaggedField[]
  }[]
  unknownTaggedFields?: RawTaggedField[]
}

/** What is written as a {@link VotersRecord}. */
export interface VotersRecordInput {
  version: number
  voters: readonly {
    voterId: number
    voterDirectoryId: string
    endpoints: readonly {
      name: string
      host: string
      port: number
      unknownTaggedFields?: readonly RawTaggedField[] | undefined
    }[]
    kRaftVersionFeature: {
      minSupportedVersion: number
      maxSupportedVersion: number
      unknownTaggedFields?: readonly RawTaggedField[] | undefined
    }
    unknownTaggedFields?: readonly RawTaggedField[] | undefined
  }[]
  unknownTaggedFields?: readonly RawTaggedField[] | undefined
}

export const VotersRecord: MessageSchema<VotersRecord, VotersRecordInput> = {
  name: 'VotersRecord',
  type: 'data',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: [
    { name: 'Version', type: 'int16', versions: '0+' },
    {
      name: 'Voters',
      type: '[]Voter',
      versions: '0+',
      fields: [
        { name: 'VoterId', type: 'int32', versions: '0+' },
        { name: 'VoterDirectoryId', type: 'uuid', versions: '0+' },
        {
          name: 'Endpoints',
          type: '[]Endpoint',
          versions: '0+',
          fields: [
            { name: 'Name', type: 'string', versions: '0+' },
            { name: 'Host', type: 'string', versions: '0+' },
            { name: 'Port', type: 'uint16', versions: '0+' },
          ],
        },
        {
          name: 'KRaftVersionFeature',
          type: 'KRaftVersionFeature',
          versions: '0+',
          fields: [
            { name: 'MinSupportedVersion', type: 'int16', versions: '0+' },
            { name: 'MaxSupportedVersion', type: 'int16', versions: '0+' },
          ],
        },
      ],
    },
  ],
}
