import type { FakeClock } from '@varve/platform'
import { PropertyFailure } from '@varve/testkit'
import { turn } from '../disk/sim-disk.ts'
import type { LifeWorld } from './life-world.ts'

/** Turns of the event loop after which a call counts as stuck. A call takes some dozen. */
const TURNS_MAX = 20_000

export type Settled<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The process died first: there is no answer. */
  | { readonly kind: 'dead' }

/**
 * The outcome of a call, unless the disk's process dies first. Time passes while it waits, slowly.
 *
 * @throws PropertyFailure when neither happens: the call is stuck
 */
export async function settled<T>(
  call: Promise<T>,
  of: { disk: Pick<LifeWorld, 'dead' | 'turn'>; clock: FakeClock; what: string },
): Promise<Settled<T>> {
  const { disk, clock, what } = of
  const state: { outcome?: Settled<T> } = {}
  call.then(
    value => (state.outcome ??= disk.dead ? { kind: 'dead' } : { kind: 'done', value }),
    (error: unknown) => (state.outcome ??= disk.dead ? { kind: 'dead' } : { kind: 'failed', error }),
  )
  for (let turns = 1; ; turns++) {
    await (disk.turn?.() ?? turn())
    if (state.outcome !== undefined) return state.outcome
    if (disk.dead) return { kind: 'dead' }
    if (turns % 64 === 0) clock.advance(50)
    if (turns > TURNS_MAX)
      throw new PropertyFailure(`${what} is stuck: it neither ends nor waits for the disk`)
  }
}
