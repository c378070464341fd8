import { readFileSync, readdirSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import {
  BatchWriter,
  deleteHorizonOf,
  isControl,
  isTransactional,
  readBatchHeader,
  timestampTypeOf,
} from '../src/index.ts'

const ROOT = new URL('../../testkit/fixtures/kafka-4.3.0/', import.meta.url)

/** A segment or a snapshot of the metadata log that a real Kafka wrote. */
export interface FixtureFile {
  /** Relative to its directory, such as `edge-0/00000000000000000000.log`. */
  name: string
  partition: string
  bytes: Buffer
}

/** All files with batches of one directory, by partition and base offset. */
export function batchFiles(directory: string): FixtureFile[] {
  const files: FixtureFile[] = []
  const root = new URL(`${directory}/`, ROOT)
  for (const partition of readdirSync(root).sort()) {
    if (!/-\d+$/.test(partition)) continue
    const folder = new URL(`${partition}/`, root)
    for (const file of readdirSync(folder).sort()) {
      if (!/\.(log|checkpoint)$/.test(file)) continue
      const bytes = readFileSync(new URL(file, folder))
      files.push({ name: `${partition}/${file}`, partition, bytes })
    }
  }
  return files
}

export function fixtureBytes(path: string): Buffer {
  return readFileSync(new URL(path, ROOT))
}

/** The lines of a file in `expected/`, packed or not; `undefined` where there is none. */
export function expectedLines(name: string): unknown[] | undefined {
  const names = readdirSync(new URL('expected/', ROOT))
  const path = [`${name}.ndjson`, `${name}.ndjson.gz`].find(file => names.includes(file))
  if (path === undefined) return undefined
  const bytes = fixtureBytes(`expected/${path}`)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as unknown)
}

/** A writer whose header says what the batch at `at` says. */
export function writerLike(
  bytes: Buffer,
  at: number,
  options?: ConstructorParameters<typeof BatchWriter>[0],
): BatchWriter {
  const header = readBatchHeader(bytes, at)
  const writer = new BatchWriter(options)
  writer.baseOffset = header.baseOffset
  writer.lastOffset = header.lastOffset
  writer.leaderEpoch = header.leaderEpoch
  writer.producerId = header.producerId
  writer.producerEpoch = header.producerEpoch
  writer.baseSequence = header.baseSequence
  writer.transactional = isTransactional(header.attributes)
  writer.control = isControl(header.attributes)
  writer.deleteHorizon = deleteHorizonOf(bytes, at)
  if (timestampTypeOf(header.attributes) === 'LogAppendTime') writer.logAppendTime = header.maxTimestamp
  return writer
}

/** `count` records of `size` bytes, in a batch that checks out. */
export function someBatch(
  count: number,
  size = 20,
  options?: ConstructorParameters<typeof BatchWriter>[0],
): Buffer {
  const writer = new BatchWriter(options)
  for (let index = 0; index < count; index++) {
    writer.add(`key-${index}`, Buffer.alloc(size, index), 1000 + index, [{ key: 'h', value: `${index}` }])
  }
  return writer.finish()
}
