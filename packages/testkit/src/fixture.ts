import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const root = new URL('../fixtures/kafka-4.3.0/', import.meta.url)

/**
 * The absolute path of a directory or file that Apache Kafka 4.3.0 wrote, such as `clean` or
 * `expected/edge-0.ndjson`. Copy it before anything may write to it.
 */
export function fixture(name = ''): string {
  return fileURLToPath(new URL(name, root))
}

/** One record as Kafka's own consumer saw it. Bytes are in base64, long ones as length and digest. */
export interface ExpectedRecord {
  offset: number
  timestamp: number
  timestampType: 'CreateTime' | 'LogAppendTime'
  leaderEpoch: number
  key: ExpectedBytes
  value: ExpectedBytes
  headers: [key: string, value: string | null][]
}

export type ExpectedBytes = string | { length: number; sha256: string } | null

/** The lines of `expected/<name>.ndjson`, whether packed or not. */
export function expectedLines<T = unknown>(name: string): T[] {
  return expectedText(name)
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as T)
}

/** All records of a partition, such as `edge-0`, or `txn-0.committed` as a reader of committed records sees it. */
export function expectedRecords(partition: string): ExpectedRecord[] {
  return expectedLines<ExpectedRecord>(partition)
}

function expectedText(name: string): string {
  try {
    return readFileSync(new URL(`expected/${name}.ndjson`, root), 'utf8')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return gunzipSync(readFileSync(new URL(`expected/${name}.ndjson.gz`, root))).toString('utf8')
  }
}
