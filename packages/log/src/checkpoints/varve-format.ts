import { VarveError } from '@varve/platform'
import { malformed } from './checkpoint-file.ts'

/*
 * `varve.format`: JSON, `{"version":1,"oldestReader":1}`: the version of the directory, and the oldest version of
 * Varve's format whose readers understand it.
 */

export const VARVE_FORMAT_FILE = 'varve.format'
/** The version that this Varve writes. */
const VARVE_FORMAT_VERSION = 1

export interface VarveFormat {
  readonly version: number
  readonly oldestReader: number
}

export function formatVarveFormat(): string {
  return `${JSON.stringify({ version: VARVE_FORMAT_VERSION, oldestReader: 1 } satisfies VarveFormat)}\n`
}

/** @throws `KAFKA_STORAGE_ERROR` for a file that is no such JSON */
export function parseVarveFormat(text: string, path: string): VarveFormat {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed(path, 'a line of JSON', `'${text.slice(0, 40)}'`)
  }
  const { version, oldestReader } = (value ?? {}) as Partial<Record<keyof VarveFormat, unknown>>
  if (!isVersion(version) || !isVersion(oldestReader))
    throw malformed(path, 'version and oldestReader', `'${text.trim().slice(0, 40)}'`)
  return { version, oldestReader }
}

/** @throws `DIRECTORY_TOO_NEW`: owning needs a version that is known, reading that the oldest reader is not newer than us */
export function checkVarveFormat(
  format: VarveFormat,
  { path, readOnly }: { path: string; readOnly: boolean },
): void {
  const found = readOnly ? format.oldestReader : format.version
  if (found <= VARVE_FORMAT_VERSION) return
  const how = readOnly ? 'its oldest reader' : 'its owner'
  throw new VarveError(
    'DIRECTORY_TOO_NEW',
    `The directory of ${path} has format ${format.version}, and ${how} must know format ${found}, but this Varve knows ${VARVE_FORMAT_VERSION}; use a newer Varve.`,
    { context: { path, wanted: VARVE_FORMAT_VERSION, found } },
  )
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
