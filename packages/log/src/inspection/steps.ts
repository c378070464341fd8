import type { Clock } from '@varve/platform'
import { loadCodec, type CodecName } from '@varve/records'

/** How long steps may go on before the event loop gets its turn. */
const SLICE_MS = 4

/**
 * What a walk says or asks between two of its steps. Plain messages, so that a walk can run in another thread as well;
 * it reads through a synchronous file system and knows of no loop.
 */
export type Step<T> =
  | { readonly kind: 'found'; readonly value: T }
  /** So many bytes more have been looked at. */
  | { readonly kind: 'read'; readonly bytes: number }
  /** The codec must have been loaded before the walk goes on. */
  | { readonly kind: 'codec'; readonly codec: CodecName }

export type Steps<T, R = void> = Generator<Step<T>, R, undefined>

export interface RunOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes more have been looked at. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** Takes the steps of a walk in slices of the event loop, and hands out what it finds. */
export async function* runSteps<T, R>(steps: Steps<T, R>, options: RunOptions): AsyncGenerator<T, R> {
  const { clock, signal, onBytes } = options
  let began = clock.monotonic()
  try {
    for (;;) {
      signal?.throwIfAborted()
      const { done, value } = steps.next()
      if (done === true) return value
      if (value.kind === 'found') yield value.value
      else if (value.kind === 'read') onBytes?.(value.bytes)
      // Where it cannot be loaded, decoding says so.
      else await loadCodec(value.codec).catch(() => undefined)
      if (clock.monotonic() - began < SLICE_MS) continue
      await new Promise<void>(resolve => setImmediate(resolve))
      began = clock.monotonic()
    }
  } finally {
    // Closes what it has open, also where the caller has had enough.
    steps.return(undefined as R)
  }
}

export function found<T>(value: T): Step<T> {
  return { kind: 'found', value }
}

export function read(bytes: number): Step<never> {
  return { kind: 'read', bytes }
}
