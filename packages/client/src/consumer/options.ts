import { checkOptions, limits, option } from '@varve/platform'
import type { ConsumerOptions, Isolation, Position, Serde, SerdeOption } from '../api.ts'
import { isolation, name, signal } from '../options.ts'
import { positionOf } from '../position-option.ts'
import { serdeField, serdeOf } from '../serdes.ts'

const topics = {
  ...option.listOf(name),
  wanted: 'a list of at least one topic',
  check(value: unknown, field: string): string[] {
    const filled = option.field<string[]>(this.wanted, list => Array.isArray(list) && list.length > 0)
    return [...new Set(option.listOf(name).check(filled.check(value, field), field))]
  },
}

const SCHEMA = {
  topics,
  group: option.optional(
    option.string({
      wanted: `a text of 1 to ${limits.groupIdCharactersMax.value} characters`,
      pattern: /./s,
      lengthMax: limits.groupIdCharactersMax.value,
    }),
  ),
  key: option.withDefault(serdeField, 'bytes'),
  value: option.withDefault(serdeField, 'bytes'),
  from: option.optional(option.anything<unknown>()),
  autoCommit: option.withDefault(option.boolean(), true),
  isolation: option.withDefault(isolation, 'read_uncommitted'),
  commitIntervalMs: option.withDefault(option.integer({ min: 1, max: 86_400_000 }), 5000),
  fetchBytesMax: option.withDefault(option.integer({ min: 1, max: 2 ** 30 }), limits.fetchBytesDefault.value),
  untilEnd: option.withDefault(option.boolean(), false),
  clientId: option.withDefault(option.string(), 'consumer'),
  sessionTimeoutMs: option.withDefault(option.integer({ min: 1, max: 1_800_000 }), 45_000),
  heartbeatIntervalMs: option.withDefault(option.integer({ min: 1, max: 1_800_000 }), 500),
  rebalanceTimeoutMs: option.withDefault(option.integer({ min: 1, max: 2 ** 31 - 1 }), 300_000),
  signal: option.optional(signal),
}

export interface CheckedConsumerOptions {
  readonly topics: readonly string[]
  readonly group: string | undefined
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly from: Position
  /** The user has said where to go when there is no offset to go on from. */
  readonly fromGiven: boolean
  readonly autoCommit: boolean
  readonly isolation: Isolation
  readonly commitIntervalMs: number
  readonly fetchBytesMax: number
  readonly untilEnd: boolean
  readonly clientId: string
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** @throws `INVALID_ARGUMENT` that names the option */
export function checkConsumerOptions(
  given: ConsumerOptions<SerdeOption, SerdeOption>,
  clock: { now(): number },
): CheckedConsumerOptions {
  const checked = checkOptions('consumer', given, SCHEMA)
  return {
    ...checked,
    group: checked.group,
    key: serdeOf(checked.key),
    value: serdeOf(checked.value),
    from:
      checked.from === undefined
        ? { kind: 'start', plus: 0 }
        : positionOf('consumer.from', checked.from, clock),
    fromGiven: checked.from !== undefined,
    signal: checked.signal,
  }
}
