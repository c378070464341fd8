import { plant, type PlantedBug } from '@varve/log/testing'
import { firstFailure } from './seeds.ts'

/** How a planted bug was found. */
export interface Caught {
  readonly bug: PlantedBug
  readonly seed: number
  readonly tried: number
  readonly message: string
}

/**
 * Runs seeds with a bug switched on until a property fails. Answers undefined when none did: then the property cannot
 * see that bug, and proves nothing against it.
 */
export async function caught(
  bug: PlantedBug,
  run: (seed: number) => Promise<unknown>,
  options: { readonly seedsMax: number },
): Promise<Caught | undefined> {
  const remove = plant(bug)
  try {
    const seeds = Array.from({ length: options.seedsMax }, (_, index) => index + 1)
    const failure = await firstFailure(seeds, run)
    return failure && { bug, ...failure }
  } finally {
    remove()
  }
}
