import { kafkaError } from '../errors.ts'
import type { ClusterImage } from './cluster-image.ts'

export const METADATA_VERSION = 'metadata.version'

/** `4.3-IV0`: what Varve writes into a new directory. */
export const METADATA_VERSION_NEW = 30
/** `3.3-IV3`, where KRaft's records begin to be stable. */
const METADATA_VERSION_MIN = 7
/** `3.7-IV2`: PartitionRecord names the directories of its replicas. */
const DIRECTORIES_SINCE = 17
/** `4.0-IV1`: PartitionRecord has eligible leader replicas. */
const ELIGIBLE_LEADERS_SINCE = 23

/** The levels of features that are understood well enough to write beside them. */
const KNOWN_FEATURES: Readonly<Record<string, number>> = {
  [METADATA_VERSION]: METADATA_VERSION_NEW,
  'kraft.version': 1,
  'eligible.leader.replicas.version': 1,
  'group.version': 1,
  'share.version': 1,
  'streams.version': 1,
  'transaction.version': 2,
}

/**
 * Whether this version may write into a directory: it must know what everything in it means.
 *
 * @throws `UNSUPPORTED_VERSION`; the directory can still be read
 */
export function checkOwnable(image: ClusterImage, path: string): void {
  const version = image.features.get(METADATA_VERSION)
  if (version === undefined) throw refused(path, METADATA_VERSION, 'is not set')
  if (version < METADATA_VERSION_MIN) throw refused(path, METADATA_VERSION, `is ${version}, which is too old`)
  for (const [name, level] of image.features) {
    const known = KNOWN_FEATURES[name]
    if (known === undefined) throw refused(path, name, `(level ${level}) is not known`)
    if (level > known) throw refused(path, name, `is ${level}, and ${known} is the newest known`)
  }
  if (image.unknownRecords > 0)
    throw refused(path, '__cluster_metadata', `has ${image.unknownRecords} records of unknown kinds`)
}

/** The version of PartitionRecord that a broker of this `metadata.version` writes. */
export function partitionRecordVersion(image: ClusterImage): number {
  const version = image.features.get(METADATA_VERSION) ?? METADATA_VERSION_NEW
  if (version >= ELIGIBLE_LEADERS_SINCE) return 2
  return version >= DIRECTORIES_SINCE ? 1 : 0
}

function refused(path: string, feature: string, what: string): Error {
  return kafkaError(
    'UNSUPPORTED_VERSION',
    `The data directory ${path} cannot be written by this version: ${feature} ${what}; open it read-only or use a newer Varve.`,
    { path, field: feature },
  )
}
