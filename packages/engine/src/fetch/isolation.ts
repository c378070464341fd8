import type { PartitionLog } from '@varve/log'
import type { Isolation } from '../broker.ts'

/** The offset behind the last one that a reader of that isolation may see. */
export function endOf(log: PartitionLog, _isolation: Isolation = 'read_uncommitted'): number {
  return log.highWatermark
}
