/** What one level of a logger takes: fields and a message, or a message alone. */
export interface LogMethod {
  (fields: object, message?: string): void
  (message: string): void
}

/** The part of pino's shape that Varve writes to. A pino logger fits as it is. */
export interface Logger {
  debug: LogMethod
  info: LogMethod
  warn: LogMethod
  error: LogMethod
  /** A logger that adds `fields` to every line. */
  child(fields: Record<string, unknown>): Logger
}

const nothing: LogMethod = () => undefined

/** Writes nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
