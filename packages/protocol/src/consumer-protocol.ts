import { encodeVersioned } from './coordinator-record.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  type ConsumerProtocolAssignmentInput,
  type ConsumerProtocolSubscriptionInput,
} from './generated/consumer-protocol.ts'
import { readMessage } from './message.ts'
import { ByteReader } from './reader.ts'
import { versionsOf, type MessageSchema } from './schema.ts'

/**
 * Reads a version and a message. One from a newer client is read as the newest known version, and what follows is
 * ignored: the protocol only ever adds at the end (Kafka's `ConsumerProtocol`).
 */
function readLenient<Value, Input>(schema: MessageSchema<Value, Input>, bytes: Buffer): Value {
  const reader = new ByteReader(bytes)
  reader.message = schema.name
  reader.field = 'version'
  const version = reader.int16()
  if (version < 0) reader.fail(`its version is ${version}`)
  return readMessage(reader, schema, Math.min(version, versionsOf(schema).last))
}

/** What a member of a classic group subscribes to: the metadata it joins with. */
export function readSubscription(bytes: Buffer): ConsumerProtocolSubscription {
  return readLenient(ConsumerProtocolSubscription, bytes)
}

export function writeSubscription(version: number, value: ConsumerProtocolSubscriptionInput): Buffer {
  return encodeVersioned(ConsumerProtocolSubscription, version, value)
}

/** What a member of a classic group was given by its leader. */
export function readAssignment(bytes: Buffer): ConsumerProtocolAssignment {
  return readLenient(ConsumerProtocolAssignment, bytes)
}

export function writeAssignment(version: number, value: ConsumerProtocolAssignmentInput): Buffer {
  return encodeVersioned(ConsumerProtocolAssignment, version, value)
}
