import { optionError } from '@varve/platform'
import { parseDuration } from './duration.ts'
import { parseSize } from './size.ts'

/** Kafka's topic settings in milliseconds. */
const MS_KEYS: ReadonlySet<string> = new Set([
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.ms',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'min.compaction.lag.ms',
  'retention.ms',
  'segment.jitter.ms',
  'segment.ms',
])

/** Kafka's topic settings in bytes. */
const BYTES_KEYS: ReadonlySet<string> = new Set([
  'index.interval.bytes',
  'local.retention.bytes',
  'max.message.bytes',
  'retention.bytes',
  'segment.bytes',
  'segment.index.bytes',
])

/**
 * A topic setting as Kafka's text: `7d` and `1h30m` become milliseconds and `512MB`, `1GiB` bytes where the key is in
 * that unit; everything else stays as it is, for the broker to judge.
 */
export function configText(key: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string')
    throw optionError(`config['${key}']`, 'a text, a number, true or false', value)
  if (MS_KEYS.has(key)) return String(parseDuration(value) ?? value)
  if (BYTES_KEYS.has(key)) return String(parseSize(value) ?? value)
  return value
}
