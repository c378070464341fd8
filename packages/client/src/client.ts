import { silentLogger, type Clock, type Logger, type Random } from '@varve/platform'
import type { Broker } from '@varve/engine'
import { BrokerAdmin } from './admin.ts'
import type * as api from './api.ts'
import { RecordConsumer } from './consumer/consumer.ts'
import type { ClientContext } from './context.ts'
import { MetadataCache } from './metadata.ts'
import { closedError } from './options.ts'
import { RecordProducer } from './producer/producer.ts'
import { read } from './reader/read.ts'
import { replay } from './reader/replay.ts'
import { TimeSlice } from './time-slice.ts'

export interface ClientOptions {
  readonly broker: Broker
  readonly clock: Clock
  readonly random: Random
  readonly logger?: Logger
  /** Closes the broker, once producers and consumers are closed. */
  readonly closeBroker?: () => Promise<void>
}

/** Producers, consumers, reads and admin on one broker, wherever that is. Closing it closes what it has made. */
export class BrokerClient implements api.VarveClient {
  readonly admin: api.Admin
  readonly #context: ClientContext
  readonly #closeBroker: () => Promise<void>
  readonly #producers = new Set<{ close(): Promise<void> }>()
  readonly #consumers = new Set<{ close(): Promise<void> }>()
  #closing: Promise<void> | undefined

  constructor(options: ClientOptions) {
    const { broker, clock, random, logger = silentLogger } = options
    const metadata = new MetadataCache({ broker, clock, random })
    this.#context = { broker, clock, random, logger, metadata, slice: new TimeSlice(clock) }
    this.#closeBroker = options.closeBroker ?? (() => Promise.resolve())
    this.admin = new BrokerAdmin(this.#context)
  }

  producer<KS extends api.SerdeOption = 'bytes', VS extends api.SerdeOption = 'bytes'>(
    options: api.ProducerOptions<KS, VS> = {},
  ): api.Producer<api.Serializable<KS>, api.Serializable<VS>> {
    this.#checkOpen()
    const onClosed = (): void => void this.#producers.delete(producer)
    const producer = new RecordProducer<api.Serializable<KS>, api.Serializable<VS>>(
      this.#context,
      options,
      onClosed,
    )
    this.#producers.add(producer)
    return producer
  }

  consumer<KS extends api.SerdeOption = 'bytes', VS extends api.SerdeOption = 'bytes'>(
    options: api.ConsumerOptions<KS, VS>,
  ): api.Consumer<api.Deserialized<KS>, api.Deserialized<VS>> {
    this.#checkOpen()
    const onClosed = (): void => void this.#consumers.delete(consumer)
    const consumer = new RecordConsumer<api.Deserialized<KS>, api.Deserialized<VS>>(
      this.#context,
      options,
      onClosed,
    )
    this.#consumers.add(consumer)
    return consumer
  }

  read<KS extends api.SerdeOption = 'bytes', VS extends api.SerdeOption = 'bytes'>(
    topic: string,
    options: api.ReadOptions<KS, VS> = {},
  ): AsyncIterable<api.ConsumerRecord<api.Deserialized<KS>, api.Deserialized<VS>>, void, undefined> {
    this.#checkOpen()
    return read(this.#context, topic, options as api.ReadOptions<api.SerdeOption, api.SerdeOption>)
  }

  replay<KS extends api.SerdeOption = 'bytes', VS extends api.SerdeOption = 'bytes'>(
    topic: string,
    options: api.ReplayOptions<KS, VS> = {},
  ): AsyncIterable<api.ConsumerRecord<api.Deserialized<KS>, api.Deserialized<VS>>, void, undefined> {
    this.#checkOpen()
    return replay(this.#context, topic, options as api.ReplayOptions<api.SerdeOption, api.SerdeOption>)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Producers flush, consumers commit and leave, then the broker goes; each also where one before it failed. */
  async #close(): Promise<void> {
    const failures: unknown[] = []
    for (const part of [this.#producers, this.#consumers]) {
      const results = await Promise.allSettled([...part].map(one => one.close()))
      for (const result of results) if (result.status === 'rejected') failures.push(result.reason)
    }
    await this.#closeBroker()
    if (failures.length > 0) throw failures[0] as Error
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError('client')
  }
}
