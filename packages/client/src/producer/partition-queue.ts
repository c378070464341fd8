import type { ProducerBatch } from './producer-batch.ts'

/** The batches of one partition in order: at most one is on its way, so none can overtake another. */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Full batches, and those that are sent again, oldest first. */
  readonly closed: ProducerBatch[] = []
  /** Takes records until it is full or goes. */
  open: ProducerBatch | undefined
  inFlight: ProducerBatch | undefined
  /** Waits before it tries again. */
  backingOff = false

  constructor(options: { topic: string; partition: number; topicId: string }) {
    this.topic = options.topic
    this.partition = options.partition
    this.topicId = options.topicId
  }

  get idle(): boolean {
    return this.inFlight === undefined && this.open === undefined && this.closed.length === 0
  }

  /** The batch whose turn it is. */
  get first(): ProducerBatch | undefined {
    return this.inFlight ?? this.closed[0] ?? this.open
  }

  /** Takes the next batch out of the queue. */
  take(): ProducerBatch | undefined {
    const batch = this.closed.shift()
    if (batch !== undefined) return batch
    const open = this.open
    this.open = undefined
    return open
  }

  closeOpen(): void {
    if (this.open !== undefined) this.closed.push(this.open)
    this.open = undefined
  }

  /** Every batch that waits or is on its way. */
  *batches(): IterableIterator<ProducerBatch> {
    if (this.inFlight !== undefined) yield this.inFlight
    yield* this.closed
    if (this.open !== undefined) yield this.open
  }
}
