import { VarveError } from '@varve/platform'
import type { Codec } from './codec.ts'
import type { ByteReader } from './reader.ts'
import type { RawTaggedField } from './schema.ts'
import { ByteWriter } from './writer.ts'

/** One field of a struct in one version of its message. */
export interface FieldPlan {
  readonly key: string
  /** For errors: the path from the message. */
  readonly path: string
  readonly codec: Codec
  /** Whether this version has the field at all, and whether it has it in the tagged section. */
  readonly presence: 'placed' | 'tagged' | 'absent'
  readonly tag: number
  /** Whether a caller must give it. */
  readonly required: boolean
  readonly ignorable: boolean
  defaultValue(): unknown
  isDefault(value: unknown): boolean
}

type Struct = Record<string, unknown>

function readTagged(reader: ByteReader, struct: Struct, byTag: ReadonlyMap<number, FieldPlan>): void {
  let unknown: RawTaggedField[] | undefined
  let before = -1
  for (let left = reader.checkCount(reader.uvarint(), 2); left > 0; left--) {
    const tag = reader.uvarint()
    if (tag <= before) reader.fail(`the tag ${tag} follows ${before}; tags go upwards`)
    before = tag
    const size = reader.uvarint()
    const start = reader.take(size)
    const plan = byTag.get(tag)
    if (plan === undefined) {
      if (reader.keepUnknownTags)
        (unknown ??= []).push({ tag, bytes: reader.bytes.subarray(start, start + size) })
      continue
    }
    const end = reader.end
    reader.at = start
    reader.end = start + size
    reader.field = plan.path
    struct[plan.key] = plan.codec.read(reader)
    if (reader.at !== reader.end)
      reader.fail(`${reader.end - reader.at} bytes follow the value of the tag ${tag}`)
    reader.end = end
  }
  if (unknown !== undefined) struct['unknownTaggedFields'] = unknown
}

/** Known and unknown tagged fields together, upwards by tag, as every writer must. */
function writeTagged(writer: ByteWriter, struct: Struct, tagged: readonly FieldPlan[]): void {
  const raw: RawTaggedField[] = []
  for (const plan of tagged) {
    const value = struct[plan.key]
    if (value === undefined || plan.isDefault(value)) continue
    const inner = new ByteWriter(64)
    inner.message = writer.message
    inner.field = plan.path
    plan.codec.write(inner, value)
    raw.push({ tag: plan.tag, bytes: inner.finish() })
  }
  const unknown = struct['unknownTaggedFields']
  if (Array.isArray(unknown)) raw.push(...(unknown as RawTaggedField[]))
  writer.uvarint(raw.length)
  if (raw.length === 0) return
  raw.sort((one, other) => one.tag - other.tag)
  let before = -1
  for (const { tag, bytes } of raw) {
    if (tag === before) writer.fail('free of two fields with one tag', tag)
    before = tag
    writer.uvarint(tag)
    writer.uvarint(bytes.length)
    writer.raw(bytes)
  }
}

/** A value that this version cannot carry must not be lost in silence, unless the schema says that it may. */
function checkAbsent(writer: ByteWriter, plan: FieldPlan, value: unknown, version: number): void {
  if (plan.ignorable || value === undefined || plan.isDefault(value)) return
  throw new VarveError(
    'UNSUPPORTED_VERSION',
    `${writer.message} version ${version} has no ${plan.path}; leave it out or write another version.`,
    { context: { field: `${writer.message}.${plan.path}`, found: value } },
  )
}

function writeField(writer: ByteWriter, plan: FieldPlan, value: unknown): void {
  writer.field = plan.path
  if (value !== undefined) {
    plan.codec.write(writer, value)
    return
  }
  if (plan.required) writer.fail('given', 'nothing')
  plan.codec.write(writer, plan.defaultValue())
}

/** The codec of a struct whose `plans` are those of `version`. */
export function structCodec(plans: readonly FieldPlan[], flexible: boolean, version: number): Codec {
  const tagged = plans.filter(plan => plan.presence === 'tagged')
  const byTag = new Map(tagged.map(plan => [plan.tag, plan]))
  let sizeMin = flexible ? 1 : 0
  for (const plan of plans) if (plan.presence === 'placed') sizeMin += plan.codec.sizeMin
  return {
    sizeMin,
    read(reader) {
      const struct: Struct = {}
      for (const plan of plans) {
        if (plan.presence === 'placed') {
          reader.field = plan.path
          struct[plan.key] = plan.codec.read(reader)
        } else {
          struct[plan.key] = plan.defaultValue()
        }
      }
      if (flexible) {
        reader.field = 'tagged fields'
        readTagged(reader, struct, byTag)
      }
      return struct
    },
    write(writer, value) {
      if (typeof value !== 'object' || value === null)
        writer.fail('an object', value === null ? 'null' : value)
      const struct = value as Struct
      for (const plan of plans) {
        if (plan.presence === 'placed') writeField(writer, plan, struct[plan.key])
        else if (plan.presence === 'absent') checkAbsent(writer, plan, struct[plan.key], version)
      }
      if (flexible) writeTagged(writer, struct, tagged)
    },
    empty() {
      const struct: Struct = {}
      for (const plan of plans) struct[plan.key] = plan.defaultValue()
      return struct
    },
    isEmpty: value =>
      typeof value === 'object' &&
      value !== null &&
      !('unknownTaggedFields' in value) &&
      plans.every(plan => {
        const each = (value as Struct)[plan.key]
        return each === undefined || plan.isDefault(each)
      }),
  }
}
