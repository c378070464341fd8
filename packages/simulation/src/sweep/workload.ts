import { defaultLogConfig } from '@varve/log'

const SMALL = { ...defaultLogConfig, indexIntervalBytes: 100 }
/** How the partitions of a workload are set. */
export const CONFIGS = {
  appends: { ...SMALL, segmentBytes: 500 },
  producers: { ...SMALL, segmentBytes: 800 },
  retention: { ...SMALL, segmentBytes: 300, retentionBytes: 600, fileDeleteDelayMs: 50 },
}

/**
 * `appends`: appends, rolls, reads. `producers`: idempotent producers, transactions and their markers, snapshots at each
 * roll. `retention`: deletions of records and partitions, retention, and a reopening.
 */
export type Workload = keyof typeof CONFIGS

export const WORKLOADS: readonly Workload[] = ['appends', 'producers', 'retention']
