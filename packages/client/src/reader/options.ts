import { checkOptions, option } from '@varve/platform'
import type { Isolation, Position, ReadOptions, ReplayOptions, Serde, SerdeOption } from '../api.ts'
import { isolation, signal } from '../options.ts'
import { positionOf } from '../position-option.ts'
import { serdeField, serdeOf } from '../serdes.ts'

const READ_SCHEMA = {
  from: option.withDefault(option.anything<unknown>(), 'start'),
  to: option.optional(option.anything<unknown>()),
  partitions: option.optional(option.listOf(option.integer({ min: 0 }))),
  key: option.withDefault(serdeField, 'bytes'),
  value: option.withDefault(serdeField, 'bytes'),
  control: option.withDefault(option.boolean(), false),
  isolation: option.withDefault(isolation, 'read_uncommitted'),
  follow: option.withDefault(option.boolean(), false),
  signal: option.optional(signal),
}

const REPLAY_SCHEMA = {
  ...READ_SCHEMA,
  speed: option.withDefault(
    option.field<number>(
      'a number above 0 (Infinity for no pace)',
      value => typeof value === 'number' && value > 0,
    ),
    Infinity,
  ),
}

export interface CheckedReadOptions {
  readonly from: Position
  /** `undefined`: the end as it is when the read begins, or never when it follows. */
  readonly to: Position | undefined
  readonly partitions: readonly number[] | undefined
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly control: boolean
  readonly isolation: Isolation
  readonly follow: boolean
  readonly signal: AbortSignal | undefined
  readonly speed: number
}

/** @throws `INVALID_ARGUMENT` that names the option */
export function checkReadOptions(
  call: 'read' | 'replay',
  given: ReadOptions<SerdeOption, SerdeOption> | ReplayOptions<SerdeOption, SerdeOption> | undefined,
  clock: { now(): number },
): CheckedReadOptions {
  const checked =
    call === 'replay'
      ? checkOptions(call, given, REPLAY_SCHEMA)
      : { ...checkOptions(call, given, READ_SCHEMA), speed: Infinity }
  return {
    ...checked,
    from: positionOf(`${call}.from`, checked.from, clock),
    to: checked.to === undefined ? undefined : positionOf(`${call}.to`, checked.to, clock),
    partitions: checked.partitions,
    key: serdeOf(checked.key),
    value: serdeOf(checked.value),
    signal: checked.signal,
  }
}
