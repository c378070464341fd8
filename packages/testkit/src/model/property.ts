/** A property that did not hold. What it says is for a person who will replay the seed. */
export class PropertyFailure extends Error {
  override readonly name = 'PropertyFailure'
}

/** @throws PropertyFailure */
export function require(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new PropertyFailure(message())
}
