import { VarveError } from '@varve/platform'
import type { ConsumerRecord, RecordMetadata, VarveClient } from '@varve/runtime'
import { DEMO_HEADER, PARTITIONS } from './claim.ts'
import type { Handled } from './consume-flights.ts'
import type { Flight } from './flights.ts'
import type { Progress } from './steps.ts'

export interface Evidence {
  topic: string
  group: string
  /** What went in. */
  flights: readonly Flight[]
  /** Where each row was acknowledged to be. */
  acknowledged: readonly RecordMetadata[]
  /** How often the group handled each row. */
  handled: Handled
  signal: AbortSignal
}

/**
 * Reads everything back and compares: every flight is there once, in its acknowledged place, unchanged; the group
 * handled each once; its committed offsets are the ends.
 *
 * @throws CHECK_FAILED that says what differs
 */
export async function prove(varve: VarveClient, evidence: Evidence, progress: Progress): Promise<void> {
  const { topic, group, flights, acknowledged, handled, signal } = evidence
  const seen = new Uint8Array(flights.length)
  let read = 0
  for await (const record of varve.read(topic, { signal })) {
    const row = rowOf(record)
    const flight = flights[row]
    if (flight === undefined) throw failed(`${placeOf(record)} was never sent`)
    seen[row] = (seen[row] ?? 0) + 1
    const sentTo = acknowledged[row]
    if (sentTo?.partition !== record.partition || sentTo.offset !== record.offset) {
      throw failed(`flight ${row + 1} was acknowledged elsewhere than at ${placeOf(record)}`)
    }
    const same =
      record.timestamp === flight.timestamp &&
      record.key?.toString() === flight.origin &&
      record.value?.toString() === flight.value
    if (!same) throw failed(`${placeOf(record)} differs from flight ${row + 1} of the file`)
    if ((++read & 511) === 0) progress(read, flights.length)
  }
  signal.throwIfAborted()
  const lost = seen.findIndex(times => times !== 1)
  if (lost >= 0) throw failed(`flight ${lost + 1} is stored ${seen[lost] ?? 0} times instead of once`)
  const uneven = handled.findIndex(times => times !== 1)
  if (uneven >= 0)
    throw failed(`flight ${uneven + 1} was handled ${handled[uneven] ?? 0} times instead of once`)
  await proveCommits(varve, { topic, group })
}

async function proveCommits(
  varve: VarveClient,
  { topic, group }: { topic: string; group: string },
): Promise<void> {
  const ends = await varve.admin.offsets(topic, 'end')
  const { offsets } = await varve.admin.describeGroup(group)
  for (const { partition, offset } of ends) {
    const committed = offsets.find(one => one.topic === topic && one.partition === partition)?.offset ?? 0
    if (committed !== offset) {
      throw failed(`partition ${partition} ends at ${offset}, but the group has committed ${committed}`)
    }
  }
  if (ends.length !== PARTITIONS) throw failed(`there are ${ends.length} partitions instead of ${PARTITIONS}`)
}

/** The row that a record says it is; -1 for none. */
export function rowOf({ headers }: Pick<ConsumerRecord, 'headers'>): number {
  const [name, value] = headers[0] ?? []
  return name === DEMO_HEADER && value ? Number(value.toString('latin1')) : -1
}

function placeOf({
  topic,
  partition,
  offset,
}: Pick<ConsumerRecord, 'topic' | 'partition' | 'offset'>): string {
  return `offset ${offset} of ${topic}-${partition}`
}

export function failed(what: string): VarveError {
  return new VarveError(
    'CHECK_FAILED',
    `The demo's own check failed: ${what}; keep the data directory and report it, please.`,
  )
}
