import { VarveError, type Random } from '@varve/platform'
import { malformed, wholeNumber } from './checkpoint-file.ts'

/*
 * `meta.properties`: Java properties with the keys `version` (1), `cluster.id`, `node.id`, `directory.id`.
 * Source: apache/kafka, org.apache.kafka.metadata.properties.MetaProperties.
 */

export const META_PROPERTIES_FILE = 'meta.properties'
/** Kafka does not start on a directory without `meta.properties`: that is how Varve keeps it out while it owns one. */
export const META_PROPERTIES_OWNED_FILE = 'meta.properties.varve-owned'

export interface MetaProperties {
  /** 22 characters of base64url. */
  readonly clusterId: string
  readonly nodeId: number
  /** 22 characters of base64url; Kafka added it in version 1. */
  readonly directoryId: string | undefined
}

/** @throws `DIRECTORY_TOO_NEW` for a version that is not known, `KAFKA_STORAGE_ERROR` for anything else that is wrong */
export function parseMetaProperties(text: string, path: string): MetaProperties {
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    // Java's properties write a backslash before the characters = : # and !
    if (key !== undefined && value !== undefined) values.set(key, value.replaceAll(/\\(.)/g, '$1'))
  }
  const version = values.get('version')
  if (version !== undefined && version !== '0' && version !== '1') {
    throw new VarveError(
      'DIRECTORY_TOO_NEW',
      `The file ${path} has version ${version}, but only 0 and 1 are known; use a newer Varve.`,
      {
        context: { path, wanted: [0, 1], found: version },
      },
    )
  }
  const clusterId = values.get('cluster.id')
  const nodeId = wholeNumber(values.get('node.id') ?? values.get('broker.id'))
  if (version === undefined || clusterId === undefined || nodeId === undefined) {
    throw malformed(path, 'version, cluster.id and node.id', [...values.keys()].join(', ') || 'none of them')
  }
  return { clusterId, nodeId, directoryId: values.get('directory.id') }
}

export function formatMetaProperties(properties: MetaProperties): string {
  const { clusterId, nodeId, directoryId } = properties
  return `node.id=${nodeId}\n${directoryId === undefined ? '' : `directory.id=${directoryId}\n`}version=1\ncluster.id=${clusterId}\n`
}

/** A new id as Kafka makes them: a random uuid (version 4) in base64url that does not start with a dash. */
export function randomId(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
    const id = bytes.toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
