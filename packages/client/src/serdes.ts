import { isVarveError, option, show, VarveError, type Field } from '@varve/platform'
import type { Serde, SerdeName, SerdeOption } from './api.ts'

const bytes: Serde<Uint8Array | string> = {
  serialize: value => value,
  deserialize: value => value,
}

const string: Serde<string> = {
  serialize(value) {
    if (typeof value === 'string') return value
    throw new VarveError(
      'INVALID_RECORD',
      `The serde 'string' takes a text, but it was given ${show(value)}.`,
    )
  },
  deserialize: value => value.toString('utf8'),
}

const anyJson: Serde<unknown> = {
  serialize(value) {
    const text = JSON.stringify(value) as string | undefined
    if (text !== undefined) return text
    throw new VarveError(
      'INVALID_RECORD',
      `The serde 'json' was given ${show(value)}, which JSON has no word for.`,
    )
  },
  deserialize: value => JSON.parse(value.toString('utf8')) as unknown,
}

const builtIn: Record<SerdeName, Serde<never>> = {
  bytes: bytes as Serde<never>,
  string: string as Serde<never>,
  json: anyJson as Serde<never>,
}

/** JSON whose shape the program vouches for: nothing is checked at run time. */
export function json<T>(): Serde<T> {
  return anyJson as Serde<T>
}

/** The check of an option that takes a serde. */
export const serdeField: Field<SerdeOption> = option.field(
  "'bytes', 'string', 'json' or an object with serialize and deserialize",
  value => (typeof value === 'string' ? Object.hasOwn(builtIn, value) : isSerde(value)),
)

/** The serde that a checked option names. */
export function serdeOf(chosen: SerdeOption): Serde<unknown> {
  return typeof chosen === 'string' ? builtIn[chosen] : chosen
}

function isSerde(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const serde = value as Partial<Serde<unknown>>
  return typeof serde.serialize === 'function' && typeof serde.deserialize === 'function'
}

/** Which part of which record a serde could not do. */
export interface SerdeContext {
  readonly part: 'key' | 'value'
  readonly topic: string
  readonly partition?: number
  readonly offset?: number
}

/** Bytes of a key or value; null stays null. @throws `INVALID_RECORD` that names the topic */
export function toBytes(
  serde: Serde<unknown>,
  value: unknown,
  part: 'key' | 'value',
  topic: string,
): Uint8Array | string | null {
  if (value === null) return null
  let made: unknown
  try {
    made = serde.serialize(value, topic)
  } catch (error) {
    throw serdeError('serialized', { part, topic }, error)
  }
  if (typeof made === 'string' || made instanceof Uint8Array) return made
  throw serdeError(
    'serialized',
    { part, topic },
    new TypeError(`bytes or a text were wanted, not ${show(made)}`),
  )
}

export function serdeError(
  what: 'serialized' | 'deserialized',
  at: SerdeContext,
  cause: unknown,
): VarveError {
  const { part, ...context } = at
  const where = at.offset === undefined ? '' : ` at offset ${at.offset} of partition ${at.partition ?? -1}`
  const why = cause instanceof Error ? cause.message : String(cause)
  const code = isVarveError(cause) ? cause.code : 'INVALID_RECORD'
  return new VarveError(
    code,
    `The ${part} of a record${where} of topic '${at.topic}' could not be ${what}: ${why.replace(/\.$/, '')}.`,
    { cause, context: { ...context, field: part } },
  )
}
