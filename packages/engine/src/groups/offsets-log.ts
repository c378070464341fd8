import type { Clock } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import type { RecordBytes } from '@varve/protocol'
import {
  BatchWriter,
  codecOf,
  isControl,
  isTransactional,
  loadCodec,
  readAttributes,
  readBatchSize,
  readControlRecord,
  readLastOffset,
  readProducerId,
  recordsOf,
} from '@varve/records'
import type { GroupCoordinator } from '@varve/coordinator'

const READ_BYTES = 1024 * 1024

/** One partition of `__consumer_offsets`: read once at the start, then written in the order of the calls. */
export class OffsetsLog {
  readonly #log: PartitionLog
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()

  constructor(log: PartitionLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Hands every record to the coordinator; those of transactions when their marker comes. */
  async replayInto(coordinator: GroupCoordinator): Promise<void> {
    const log = this.#log
    for (let offset = log.logStartOffset; offset < log.highWatermark;) {
      const { bytes } = await log.read({ offset, maxBytes: READ_BYTES })
      if (bytes.length === 0) return
      for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
        const codec = codecOf(readAttributes(bytes, at))
        if (codec !== 'none') await loadCodec(codec)
        offset = Math.max(offset, replayBatch(coordinator, bytes, at))
      }
    }
  }

  /** Resolves when the records are durable, in the order of the calls. */
  append(records: readonly RecordBytes[]): Promise<void> {
    const writer = new BatchWriter()
    const timestamp = this.#clock.now()
    for (const { key, value } of records) writer.add(key, value, timestamp)
    const appended = this.#log.append(writer.finish(), { useHeadroom: true })
    const before = this.#last
    const done = (async (): Promise<void> => {
      await Promise.allSettled([before, appended])
      await appended
    })()
    this.#last = done.catch(() => undefined)
    return done
  }
}

/** @returns the offset behind the batch */
function replayBatch(coordinator: GroupCoordinator, bytes: Buffer, at: number): number {
  const attributes = readAttributes(bytes, at)
  const producerId = readProducerId(bytes, at)
  for (const { key, value } of recordsOf(bytes, at)) {
    if (isControl(attributes)) {
      const { type } = readControlRecord(key, value)
      if (type === 'commit' || type === 'abort') coordinator.replayMarker(producerId, type === 'commit')
    } else if (isTransactional(attributes)) {
      coordinator.replayTransactional(producerId, key, value)
    } else {
      coordinator.replay(key, value)
    }
  }
  return readLastOffset(bytes, at) + 1
}
