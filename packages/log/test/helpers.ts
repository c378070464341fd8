import { cryptoRandom, FakeClock, type MemFs, SeededRandom, type Vfs } from '@varve/platform'
import { readBatchSize, recordsOf } from '@varve/records'
import { batchOf } from '@varve/testkit'
import { defaultLogConfig, type LogConfig } from '../src/log-config.ts'
import { LogDirectory } from '../src/directory/log-directory.ts'
import type { LogDirectoryOptions } from '../src/directory/log-directory-options.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'

export const TOPIC_ID = 'KcEh0CeWT6appgxEAW289A'
export const DAY = Date.UTC(2026, 10, 20)

export function config(changes: Partial<LogConfig> = {}): LogConfig {
  return { ...defaultLogConfig, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER, ...changes }
}

export type OpenOptions = Partial<LogDirectoryOptions> & { vfs: Vfs }

export function openDirectory(options: OpenOptions, path = '/data'): Promise<LogDirectory> {
  return LogDirectory.open(path, { clock: new FakeClock(DAY), random: cryptoRandom, ...options })
}

/** A directory with the one partition `t-0`, made if it is missing. */
export async function openLog(
  options: OpenOptions & { config?: LogConfig },
): Promise<{ directory: LogDirectory; log: PartitionLog }> {
  const settings = options.config ?? config()
  const directory = await openDirectory({ configOf: () => settings, ...options })
  const found = directory.partitions.get('t-0')
  const log =
    found ??
    (await directory.createPartition({ topic: 't', partition: 0, topicId: TOPIC_ID, config: settings }))
  return { directory, log }
}

/** A batch whose values are the numbers from `from` on. */
export function numbers(
  from: number,
  count: number,
  options: { timestamp?: number; bytes?: number } = {},
): Buffer {
  const { timestamp = DAY, bytes = 0 } = options
  const records = Array.from({ length: count }, (_, index) => ({
    key: `k${from + index}`,
    value: String(from + index).padEnd(bytes, '.'),
  }))
  return batchOf(records, { timestamp: timestamp + from })
}

/** All values from `offset` on, and that their offsets continue. */
export async function valuesFrom(
  log: PartitionLog,
  offset = log.logStartOffset,
  maxBytes = 4096,
): Promise<string[]> {
  const values: string[] = []
  let next = offset
  while (next < log.highWatermark) {
    const { bytes } = await log.read({ offset: next, maxBytes })
    if (bytes.length === 0)
      throw new Error(`no bytes at offset ${next}, below the high watermark ${log.highWatermark}`)
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      for (const record of recordsOf(bytes, at)) {
        if (record.offset < next) continue
        if (record.offset !== next) throw new Error(`offset ${record.offset} where ${next} was due`)
        values.push(record.value?.toString().replace(/\.+$/, '') ?? '')
        next++
      }
    }
  }
  return values
}

export const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index))

/** What a power cut leaves. */
export function crashed(vfs: MemFs, seed: number | string, unsyncedPercent: number): MemFs {
  return vfs.crashClone({ rng: new SeededRandom(seed), unsyncedPercent })
}

/** Changes bytes of a file in place. */
export function damage(vfs: Vfs, path: string, change: (bytes: Buffer) => Buffer | undefined): void {
  const bytes = vfs.sync.readFile(path)
  const changed = change(bytes) ?? bytes
  const file = vfs.sync.open(path, 'write')
  file.truncate(0)
  file.write([changed], 0)
  file.datasync()
  file.close()
}
