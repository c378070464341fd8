export { SimDisk, type SimDiskOptions } from './disk/sim-disk.ts'
export { LogHistory, type LogHistoryOptions } from './history/log-history.ts'
export { HistoryCounts } from './history/counts.ts'
