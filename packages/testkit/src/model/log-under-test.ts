/** What the driver and the builders ask of a log: the part of a `PartitionLog` that a client sees. */
export interface LogUnderTest {
  readonly logStartOffset: number
  readonly highWatermark: number
  /** No append may take more than a segment; missing where there are none. */
  readonly config?: { readonly segmentBytes: number }
  /** Missing where the log knows no transactions. */
  readonly lastStableOffset?: number
  append(
    batches: Buffer,
    options?: { acks?: 0 | 1 | -1; origin?: 'client' | 'coordinator' },
  ): Promise<{ readonly baseOffset: number; readonly lastOffset: number }>
  read(request: {
    offset: number
    maxBytes?: number
    isolation?: 'read_uncommitted' | 'read_committed'
  }): Promise<FetchUnderTest>
  offsetForTimestamp(timestamp: number): Promise<{ readonly offset: number } | undefined>
  flush(): Promise<void>
  deleteRecords?(beforeOffset: number): Promise<unknown>
  applyRetention?(): Promise<unknown>
}

export interface FetchUnderTest {
  readonly bytes: Buffer
  readonly lastStableOffset?: number
  /** In the order of their first offsets. */
  readonly abortedTransactions?: readonly AbortedRange[]
}

export interface AbortedRange {
  readonly producerId: number
  readonly firstOffset: number
}
