import { VarveError } from '@varve/platform'
import {
  arrayCodec,
  bytesCodec,
  FIXED_TYPES,
  nullableStructCodec,
  stringCodec,
  unknownType,
  type Codec,
} from './codec.ts'
import {
  includesVersion,
  parseVersions,
  propertyName,
  versionsOf,
  type FieldSchema,
  type MessageSchema,
  type VersionRange,
} from './schema.ts'
import { structCodec, type FieldPlan } from './struct.ts'

/** What is known while one version of one message is compiled. */
interface Scope {
  readonly version: number
  /** All versions of the message. */
  readonly valid: VersionRange
  readonly flexible: boolean
  readonly structs: ReadonlyMap<string, readonly FieldSchema[]>
  readonly path: string
}

/** Hashes fill all 64 bits, so a `number` cannot carry them. */
const BIGINT_FIELDS: ReadonlySet<string> = new Set(['MetadataHash'])

/** Whether an int64 is read as `bigint`: a hash, or a field whose very default is beyond 2^53-1. */
function isBigint(field: FieldSchema): boolean {
  if (field.type !== 'int64') return false
  return BIGINT_FIELDS.has(field.name) || !Number.isSafeInteger(Number(field.default ?? 0))
}

function elementCodec(type: string, field: FieldSchema, scope: Scope, nullable: boolean): Codec {
  const fixed = FIXED_TYPES.get(type === 'int64' && isBigint(field) ? 'bigint64' : type)
  if (fixed !== undefined) return fixed
  const compact =
    field.flexibleVersions === undefined ? scope.flexible : isIn(field.flexibleVersions, scope.version)
  const spelling = { compact, nullable }
  if (type === 'string') return stringCodec(spelling)
  if (type === 'bytes' || type === 'records') return bytesCodec(spelling)
  const fields = field.fields ?? scope.structs.get(type)
  if (fields === undefined) throw unknownType(type, scope.path)
  const struct = compileStruct(fields, scope)
  if (!nullable) return struct
  return nullableStructCodec(struct, isIn(field.taggedVersions, scope.version))
}

function fieldCodec(field: FieldSchema, scope: Scope, nullable: boolean): Codec {
  if (!field.type.startsWith('[]')) return elementCodec(field.type, field, scope, nullable)
  const element = elementCodec(field.type.slice(2), field, scope, false)
  return arrayCodec(element, { compact: scope.flexible, nullable })
}

function isIn(versions: string | undefined, version: number): boolean {
  return includesVersion(parseVersions(versions), version)
}

/**
 * The default as the schema spells it: a text for most types, `'null'` for null. A bare null is none at all: Kafka's own
 * generator takes it for the empty value, and writes a null that stands there as a tagged field.
 */
function explicitDefault(field: FieldSchema): unknown {
  const given = field.default ?? undefined
  if (given === undefined)
    return field.type === 'records' && field.nullableVersions !== undefined ? null : undefined
  if (given === 'null' && field.nullableVersions !== undefined) return null
  if (field.type === 'string') return given
  if (field.type === 'bool') return given === true || given === 'true'
  return isBigint(field) ? BigInt(given) : Number(given)
}

function planField(field: FieldSchema, parent: Scope): FieldPlan {
  const path = parent.path === '' ? propertyName(field.name) : `${parent.path}.${propertyName(field.name)}`
  const scope = { ...parent, path }
  const tagged = isIn(field.taggedVersions, scope.version)
  const versions = parseVersions(field.versions ?? field.taggedVersions)
  const present = tagged || includesVersion(versions, scope.version)
  const nullable = isIn(field.nullableVersions, scope.version)
  const codec = fieldCodec(field, scope, nullable)
  const wanted = explicitDefault(field)
  const always = versions.first <= scope.valid.first && versions.last >= scope.valid.last
  return {
    key: propertyName(field.name),
    path,
    codec,
    presence: tagged ? 'tagged' : present ? 'placed' : 'absent',
    tag: field.tag ?? -1,
    required:
      always &&
      wanted === undefined &&
      field.default === undefined &&
      field.taggedVersions === undefined &&
      field.nullableVersions === undefined &&
      field.ignorable !== true,
    ignorable: field.ignorable === true,
    defaultValue: () => (wanted === undefined ? codec.empty() : wanted),
    isDefault: value => (wanted === undefined ? codec.isEmpty(value) : value === wanted),
  }
}

function compileStruct(fields: readonly FieldSchema[], scope: Scope): Codec {
  const plans = fields.map(field => planField(field, scope))
  return structCodec(plans, scope.flexible, scope.version)
}

const compiled = new WeakMap<MessageSchema, (Codec | undefined)[]>()

/** The codec of one version of a message, compiled when it is first asked for. */
export function codecOf(schema: MessageSchema, version: number): Codec {
  let versions = compiled.get(schema)
  if (versions === undefined) {
    versions = []
    compiled.set(schema, versions)
  }
  return (versions[version] ??= compile(schema, version))
}

function compile(schema: MessageSchema, version: number): Codec {
  const valid = versionsOf(schema)
  if (!includesVersion(valid, version)) {
    throw new VarveError(
      'UNSUPPORTED_VERSION',
      `${schema.name} has no version ${version}; it goes from ${valid.first} to ${valid.last}.`,
      { context: { field: schema.name, found: version, min: valid.first, max: valid.last } },
    )
  }
  const structs = new Map((schema.commonStructs ?? []).map(each => [each.name, each.fields]))
  const flexible = isIn(schema.flexibleVersions, version)
  return compileStruct(schema.fields ?? [], { version, flexible, structs, path: '', valid })
}
