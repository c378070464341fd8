/** What an error is about. The words are fixed, so that a reader of logs learns them once. */
export interface ErrorContext {
  path?: string
  topic?: string
  partition?: number
  group?: string
  member?: string
  producerId?: number
  offset?: number
  position?: number
  field?: string
  wanted?: unknown
  found?: unknown
  min?: number
  max?: number
  /** The operating system's name of the error, such as `ENOSPC`. */
  errno?: string
  line?: number
}

export interface VarveErrorOptions {
  context?: ErrorContext
  /** Whether the same call may succeed later without anything being changed. Default false. */
  retriable?: boolean
  cause?: unknown
}

/**
 * The one error that Varve throws. It is told apart by `code`, never by class: a thread or a second copy of the
 * package loses the class. Codes are Kafka's names where Kafka has one.
 */
export class VarveError extends Error {
  override readonly name = 'VarveError'
  readonly code: string
  readonly retriable: boolean
  readonly context: ErrorContext

  /**
   * @param code stable name, such as `UNKNOWN_TOPIC_OR_PARTITION`
   * @param message one sentence: what was wanted, what was found, where, and what to do
   */
  constructor(code: string, message: string, options: VarveErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retriable = options.retriable ?? false
    this.context = options.context ?? {}
  }
}

/** Whether `error` is Varve's, of one of the `codes` if any are given. */
export function isVarveError(error: unknown, ...codes: string[]): error is VarveError {
  if (!(error instanceof Error) || error.name !== 'VarveError' || !('code' in error)) return false
  return codes.length === 0 || codes.includes(error.code as string)
}
