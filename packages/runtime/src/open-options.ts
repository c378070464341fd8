import { checkOptions, option, optionError, VarveError, type Logger } from '@varve/platform'

/** What `Varve.open` reports while a directory is recovered. */
export interface OpenProgress {
  readonly opened: number
  readonly partitions: number
}

export interface OpenOptions {
  /** Takes no lock and changes nothing; reads beside the owner. Default false. */
  readOnly?: boolean
  /** Makes the directory where there is none; otherwise `NOT_FOUND`. Default true. */
  create?: boolean
  /** Owns also a directory that Kafka did not close in good order. Default false: `DIRECTORY_NOT_CLEAN`. */
  recover?: boolean
  /** Takes the directory also from an owner of whom it cannot be told whether it lives. Default false: `DIRECTORY_LOCKED`. */
  force?: boolean
  /** Makes a topic when it is first written to or read. Default false: `UNKNOWN_TOPIC_OR_PARTITION`. */
  autoCreateTopics?: boolean
  /** Partitions of a topic that is made without saying how many. Default 1. */
  numPartitions?: number
  /** Bytes that `':memory:'` may hold before it says `DISK_FULL`. Default: as much as there is. */
  memoryBytesMax?: number
  /** Any logger of pino's shape. Default: silent. */
  logger?: Logger
  /** Told after each partition that is open. */
  onProgress?: (progress: OpenProgress) => void
  /** Gives up opening: `ABORTED`. */
  signal?: AbortSignal
}

const SCHEMA = {
  readOnly: option.withDefault(option.boolean(), false),
  create: option.withDefault(option.boolean(), true),
  recover: option.withDefault(option.boolean(), false),
  force: option.withDefault(option.boolean(), false),
  autoCreateTopics: option.withDefault(option.boolean(), false),
  numPartitions: option.withDefault(option.integer({ min: 1, max: 10_000 }), 1),
  memoryBytesMax: option.optional(option.integer({ min: 1 })),
  logger: option.optional(
    option.having<Logger>('a logger with debug, info, warn and error', 'debug', 'info', 'warn', 'error'),
  ),
  onProgress: option.optional(option.func<NonNullable<OpenOptions['onProgress']>>()),
  signal: option.optional(option.field<AbortSignal>('an AbortSignal', value => value instanceof AbortSignal)),
}

/** @throws `INVALID_ARGUMENT` that names the option, `ABORTED` */
export function checkOpenOptions(path: unknown, given: OpenOptions | undefined) {
  if (typeof path !== 'string' || path === '') throw optionError('path', "a folder or ':memory:'", path)
  if (path.includes('\0')) throw optionError('path', 'without a null character', path)
  const options = checkOptions('open', given, SCHEMA)
  checkAborted(options.signal)
  return { ...options, path, inMemory: path === ':memory:' }
}

/** @throws `ABORTED` */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new VarveError('ABORTED', 'Opening the data directory was aborted by its signal.', {
    cause: signal.reason,
  })
}
