export { BrokerHistory } from './broker/broker-history.ts'
export { SimDisk, type SimDiskOptions } from './disk/sim-disk.ts'
export { HistoryCounts } from './history/counts.ts'
export { LogHistory, type LogHistoryOptions } from './history/log-history.ts'
