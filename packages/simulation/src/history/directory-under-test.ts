import type { Finding, NewPartition, TopicPartition } from '@varve/log'
import type { LogUnderTest } from '@varve/testkit'

/** What clients see of a `LogDirectory`, wherever it is open. */
export interface DirectoryUnderTest {
  readonly findings: readonly Finding[]
  readonly partitions: ReadonlyMap<string, LogUnderTest & { readonly topicId: string | undefined }>
  createPartition(of: NewPartition): Promise<unknown>
  deletePartition(of: TopicPartition): Promise<unknown>
  close(): Promise<void>
}
