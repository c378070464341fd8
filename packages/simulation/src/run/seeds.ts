import { PropertyFailure } from '@varve/testkit'

/** The command that runs the seed of a failure again. */
function replayOf(file: string, seed: number): string {
  return `VARVE_SEED=${seed} npm test -- simulation/test/${file}`
}

/**
 * Runs `run` for each seed, one after the other.
 *
 * @throws PropertyFailure that says the seed and how to run it again
 */
export async function forEachSeed(
  { seeds, file }: { readonly seeds: readonly number[]; readonly file: string },
  run: (seed: number) => Promise<void>,
): Promise<void> {
  for (const seed of seeds) {
    try {
      await run(seed)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new PropertyFailure(`Seed ${seed}: ${message}\nTo run it again: ${replayOf(file, seed)}`, {
        cause: error,
      })
    }
  }
}

/** What the first seed that fails says, and how many were tried; nothing when all of them passed. */
export async function firstFailure(
  seeds: Iterable<number>,
  run: (seed: number) => Promise<unknown>,
): Promise<{ seed: number; tried: number; message: string } | undefined> {
  let tried = 0
  for (const seed of seeds) {
    tried++
    try {
      await run(seed)
    } catch (error) {
      if (!(error instanceof PropertyFailure)) throw error
      return { seed, tried, message: error.message }
    }
  }
  return undefined
}
