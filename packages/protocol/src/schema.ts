import { VarveError } from '@varve/platform'

/** A value that a newer writer added under a tag this schema does not know; kept so that it survives being rewritten. */
export interface RawTaggedField {
  tag: number
  bytes: Buffer
}

/** One field in Kafka's schema language. Version ranges are texts such as `0`, `1-3`, `4+` and `none`. */
export interface FieldSchema {
  readonly name: string
  /** A primitive, the name of a struct, or either with `[]` in front. */
  readonly type: string
  /** Versions that have the field; a field that is only ever tagged may leave it out. */
  readonly versions?: string
  readonly nullableVersions?: string
  /** Versions in which the field travels in the tagged section instead of in its place. */
  readonly taggedVersions?: string
  /** Overrides the message's own range: `RequestHeader.ClientId` never became compact. */
  readonly flexibleVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean | null
  /** Whether a value may be dropped silently in a version that lacks the field. */
  readonly ignorable?: boolean
  readonly fields?: readonly FieldSchema[]
}

export interface StructSchema {
  readonly name: string
  readonly fields: readonly FieldSchema[]
}

/**
 * A message in Kafka's schema language, the way Kafka's own JSON files have it (`clients/src/main/resources/common/message`).
 * `Value` is what {@link decode} returns, `Input` what {@link encode} takes: there, fields with a default may be left out.
 */
export interface MessageSchema<Value = unknown, Input = Value> {
  readonly name: string
  /** The API key of a request, or the type of a record. */
  readonly apiKey?: number
  readonly type?: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly fields?: readonly FieldSchema[]
  readonly commonStructs?: readonly StructSchema[]
  /** Exists for the compiler only. */
  readonly types?: { value: Value; input: Input }
}

/** A range of versions, both ends included; empty when `first` is above `last`. */
export interface VersionRange {
  readonly first: number
  readonly last: number
}

const VERSION_MAX = 0x7fff
const EMPTY_RANGE: VersionRange = { first: 1, last: 0 }

/** Reads `3`, `1-3`, `4+` or `none`. */
export function parseVersions(text: string | undefined): VersionRange {
  if (text === undefined || text === 'none') return EMPTY_RANGE
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) {
    throw new VarveError(
      'INVALID_ARGUMENT',
      `'${text}' is no range of versions: write it like 3, 1-3, 4+ or none.`,
      { context: { found: text } },
    )
  }
  const first = Number(match[1])
  if (match[2] !== undefined) return { first, last: VERSION_MAX }
  return { first, last: match[3] === undefined ? first : Number(match[3]) }
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.first && version <= range.last
}

/** The versions in which `schema` can be read and written. */
export function versionsOf(schema: MessageSchema): VersionRange {
  return parseVersions(schema.validVersions)
}

/** Kafka's JSON names with a small first letter, which is how its own JSON dumps and these interfaces spell them. */
export function propertyName(fieldName: string): string {
  return fieldName.charAt(0).toLowerCase() + fieldName.slice(1)
}

/** What decoding a message of this schema gives. */
export type ValueOf<Schema> = Schema extends MessageSchema<infer Value, infer _Input> ? Value : never

/** What encoding a message of this schema takes. */
export type InputOf<Schema> = Schema extends MessageSchema<infer _Value, infer Input> ? Input : never
