import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { fixture } from '@varve/testkit'

/** What can be done to a partition log, in words that Kafka's and Varve's both understand. */
export interface Step {
  op: string
  bytes?: string
  origin?: 'client' | 'coordinator'
  leaderEpoch?: number
  ms?: number
  config?: Record<string, string>
  offset?: number
  timestamp?: number
  isolation?: 'read_committed' | 'read_uncommitted'
  clean?: boolean
}

export type Answer = Record<string, unknown>

/** Steps, and what Apache Kafka's own partition log answered to each. */
export interface Recording {
  name: string
  config: Record<string, string>
  /** The clock's first time, milliseconds since the epoch. */
  now: number
  steps: Step[]
  answers: Answer[]
  /** The partition's folder after an orderly close: content in base64, of `.log` files length and digest. */
  files: Record<string, string>
}

/** The recordings below `folder`, by default those that are kept: see scripts/oracle. */
export function recordings(folder = process.env['VARVE_ORACLE'] ?? fixture('../oracle-4.3.0')): Recording[] {
  const names = readdirSync(folder).sort()
  return names.flatMap(name => {
    const bytes = readFileSync(join(folder, name))
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
    if (!name.includes('.ndjson')) return [JSON.parse(text) as Recording]
    return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Recording]))
  })
}
