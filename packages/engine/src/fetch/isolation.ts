import type { PartitionLog } from '@varve/log'
import type { Isolation } from '../broker.ts'

/** The offset behind the last one that a reader of that isolation may see. */
export function endOf(log: PartitionLog, isolation: Isolation = 'read_uncommitted'): number {
  return isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark
}
