import { ERRORS } from './generated/errors.ts'

/** One row of Kafka's table of errors. */
export interface KafkaError {
  /** What travels on the wire; 0 is no error. */
  readonly code: number
  /** The code of a `VarveError`. */
  readonly name: string
  readonly retriable: boolean
}

/** All errors of Kafka's protocol, by code from -1 upwards. */
export const errors: readonly KafkaError[] = ERRORS

const byName = new Map(ERRORS.map(error => [error.name, error]))
const byCode = new Map(ERRORS.map(error => [error.code, error]))

export function errorByName(name: string): KafkaError | undefined {
  return byName.get(name)
}

/** The error with a wire code, or `undefined` for one from a newer Kafka. */
export function errorByCode(code: number): KafkaError | undefined {
  return byCode.get(code)
}
