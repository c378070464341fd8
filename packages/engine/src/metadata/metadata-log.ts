import type { Clock } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import {
  writeMetadataRecord,
  type InputOf,
  type MetadataRecordName,
  type MetadataRecords,
} from '@varve/protocol'
import { BatchWriter } from '@varve/records'
import { kafkaError } from '../errors.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { MetadataCheckpoint } from './metadata-checkpoint.ts'
import { MetadataReplay } from './metadata-replay.ts'

/** Kafka's fixed id of `__cluster_metadata`. */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

const READ_BYTES = 1024 * 1024

/** One record to be written. */
export type NewMetadataRecord = {
  [Name in MetadataRecordName]: {
    readonly name: Name
    readonly version: number
    readonly message: InputOf<MetadataRecords[Name]>
  }
}[MetadataRecordName]

/** `__cluster_metadata-0`: what it holds becomes the image, and what is written becomes part of it when it is durable. */
export class MetadataLog {
  readonly #log: PartitionLog
  readonly #clock: Clock
  readonly #replay: MetadataReplay

  constructor(options: { log: PartitionLog; clock: Clock; image: ClusterImage }) {
    this.#log = options.log
    this.#clock = options.clock
    this.#replay = new MetadataReplay(options.image)
  }

  get image(): ClusterImage {
    return this.#replay.image
  }

  /** Whether nothing was ever written. */
  get isEmpty(): boolean {
    return this.#log.logEndOffset === 0
  }

  /** @throws `CORRUPT_MESSAGE`; `KAFKA_STORAGE_ERROR` where the log begins above the checkpoint */
  async load(checkpoint: MetadataCheckpoint | undefined): Promise<void> {
    const start = checkpoint?.endOffset ?? 0
    if (this.#log.logStartOffset > start) {
      throw kafkaError(
        'KAFKA_STORAGE_ERROR',
        `The metadata in ${this.#log.folder} begins at offset ${this.#log.logStartOffset} and no whole checkpoint says what was before it; restore the newest .checkpoint file.`,
        { path: this.#log.folder, min: start, found: this.#log.logStartOffset },
      )
    }
    if (checkpoint !== undefined) this.#replay.batches(checkpoint.bytes)
    for (let offset = start; offset < this.#log.highWatermark;) {
      const { bytes } = await this.#log.read({ offset, maxBytes: READ_BYTES })
      if (bytes.length === 0) break
      offset = this.#replay.batches(bytes, offset)
    }
  }

  /** Ends a transaction that its writer left open: what is written next must not become part of it. */
  async abortOpenTransaction(): Promise<void> {
    if (!this.#replay.inTransaction) return
    const reason = 'The writer of the transaction stopped.'
    await this.append([{ name: 'AbortTransactionRecord', version: 0, message: { reason } }])
  }

  /** Writes records as one batch, all or none. The image has them when this resolves; calls must not overlap. */
  async append(records: readonly NewMetadataRecord[]): Promise<void> {
    const writer = new BatchWriter()
    // One timestamp for the batch: Kafka does not start on a metadata batch with several.
    const timestamp = this.#clock.now()
    for (const { name, version, message } of records)
      writer.add(null, writeMetadataRecord(name, version, message), timestamp)
    const bytes = writer.finish()
    const { baseOffset } = await this.#log.append(bytes, { useHeadroom: true })
    this.#replay.batches(bytes, baseOffset)
  }
}
