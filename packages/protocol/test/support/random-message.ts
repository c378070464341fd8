import type { Random } from '@varve/platform'
import {
  parseVersions,
  propertyName,
  includesVersion,
  type FieldSchema,
  type MessageSchema,
} from '../../src/schema.ts'

const within = (versions: string | undefined, version: number): boolean =>
  includesVersion(parseVersions(versions), version)

/** A value for one version of a schema, made from the schema's text alone; fields of other versions are left out. */
export function randomMessage(
  schema: MessageSchema,
  version: number,
  random: Random,
): Record<string, unknown> {
  const isFlexible = within(schema.flexibleVersions, version)

  function scalar(field: FieldSchema, type: string): unknown {
    switch (type) {
      case 'bool':
        return random.int(2) === 1
      case 'int8':
        return random.int(256) - 128
      case 'int16':
        return random.int(0x1_0000) - 0x8000
      case 'uint16':
        return random.int(0x1_0000)
      case 'int32':
        return random.int(0x1_0000_0000) - 0x8000_0000
      case 'uint32':
        return random.int(0x1_0000_0000)
      case 'int64': {
        if (field.name === 'MetadataHash' || !Number.isSafeInteger(Number(field.default ?? 0))) {
          return random.bytes(8).readBigInt64BE(0)
        }
        const size = random.int(Number.MAX_SAFE_INTEGER)
        return random.int(2) === 0 && size > 0 ? -size : size
      }
      case 'float64':
        return random.next() * 1e9
      case 'uuid':
        return random.bytes(16).toString('base64url')
      case 'string':
        return ['', 'flights', 'größe', '時間', 'x'.repeat(random.int(300))][random.int(5)]
      case 'bytes':
      case 'records':
        return random.bytes(random.int(40))
      default: {
        const named = schema.commonStructs?.find(struct => struct.name === type)
        return struct(field.fields ?? named?.fields ?? [])
      }
    }
  }

  function value(field: FieldSchema): unknown {
    if (within(field.nullableVersions, version) && random.int(4) === 0) return null
    if (!field.type.startsWith('[]')) return scalar(field, field.type)
    return Array.from({ length: random.int(4) }, () => scalar(field, field.type.slice(2)))
  }

  function struct(fields: readonly FieldSchema[]): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    for (const field of fields) {
      const isTagged = within(field.taggedVersions, version)
      if (isTagged ? random.int(2) === 0 : !within(field.versions, version)) continue
      values[propertyName(field.name)] = value(field)
    }
    if (isFlexible && random.int(4) === 0) {
      values['unknownTaggedFields'] = [
        { tag: 100, bytes: random.bytes(random.int(20)) },
        { tag: 4000, bytes: random.bytes(3) },
      ]
    }
    return values
  }

  return struct(schema.fields ?? [])
}
