import {
  checkOptions,
  limits,
  option,
  silentLogger,
  type Clock,
  type Logger,
  type Random,
  type Vfs,
} from '@varve/platform'
import type { LogDirectoryOptions, Machine } from '@varve/log'

export interface EmbeddedBrokerOptions {
  /** The data directory; made if missing. */
  readonly path: string
  readonly vfs: Vfs
  readonly clock: Clock
  readonly random: Random
  /** The machine that the directory's lock speaks of. Default: one on which only this process sees the directory. */
  readonly machine?: Machine | undefined
  /** Reads the topics as they are at opening, takes no lock, changes nothing. Default false. */
  readonly readOnly?: boolean | undefined
  /** Owns also a directory that Kafka did not close. Default false. */
  readonly recover?: boolean | undefined
  /** Takes the lock also from an owner of whom it cannot be told whether it lives. Default false. */
  readonly force?: boolean | undefined
  /** Makes unknown topics that `metadata` asks for (`auto.create.topics.enable`). Default false. */
  readonly autoCreateTopics?: boolean | undefined
  /** Of topics that are made without a number (`num.partitions`). Default 1. */
  readonly numPartitions?: number | undefined
  /** Of `__consumer_offsets` when it is made (`offsets.topic.num.partitions`; Kafka: 50). Default 4. */
  readonly offsetsTopicPartitions?: number | undefined
  /** `group.initial.rebalance.delay.ms`. Default 0. */
  readonly initialRebalanceDelayMs?: number | undefined
  readonly logger?: Logger | undefined
  /** Told after each partition that is open. */
  readonly progress?: LogDirectoryOptions['progress'] | undefined
}

const part = <T>(wanted: string) =>
  option.field<T>(wanted, value => typeof value === 'object' && value !== null)

/** @throws `INVALID_ARGUMENT` naming the option, what was wanted and what was found */
export function checkBrokerOptions(options: EmbeddedBrokerOptions) {
  const partitions = option.integer({ min: 1, max: limits.partitionsPerTopicMax.value })
  return checkOptions('broker', options, {
    path: option.string({ wanted: 'the path of a data directory', pattern: /./ }),
    vfs: part<Vfs>('a file system'),
    clock: part<Clock>('a clock'),
    random: part<Random>('a source of randomness'),
    machine: option.optional(part<Machine>('a machine')),
    readOnly: option.withDefault(option.boolean(), false),
    recover: option.withDefault(option.boolean(), false),
    force: option.withDefault(option.boolean(), false),
    autoCreateTopics: option.withDefault(option.boolean(), false),
    numPartitions: option.withDefault(partitions, 1),
    offsetsTopicPartitions: option.withDefault(partitions, 4),
    initialRebalanceDelayMs: option.withDefault(option.integer({ min: 0 }), 0),
    logger: option.withDefault(part<Logger>('a logger'), silentLogger),
    progress: option.optional(option.func<NonNullable<LogDirectoryOptions['progress']>>()),
  })
}

export type CheckedBrokerOptions = ReturnType<typeof checkBrokerOptions>
