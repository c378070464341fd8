/** How much is tried. `npm test` tries a little, `npm run proofs` more, `npm run proofs -- long` a lot. */
export interface Sizes {
  readonly test: number
  readonly ci: number
  readonly long: number
}

export function sizeOf({ test, ci, long }: Sizes): number {
  const { VARVE_PROOFS: mode = '' } = process.env
  if (mode === 'long') return long
  return mode === 'ci' ? ci : test
}

/** Whether this run is one of the proofs, which try every planted bug. */
export function isProof(): boolean {
  return (process.env['VARVE_PROOFS'] ?? '') !== ''
}

/** `VARVE_SEED=n` runs that seed alone, `VARVE_HISTORIES=n` so many from it (or from 1) on. */
export function seedsFor(sizes: Sizes): number[] {
  const seed = wholeNumber('VARVE_SEED')
  const histories = wholeNumber('VARVE_HISTORIES')
  const count = histories ?? (seed === undefined ? sizeOf(sizes) : 1)
  return Array.from({ length: count }, (_, index) => (seed ?? 1) + index)
}

function wholeNumber(name: string): number | undefined {
  const text = process.env[name] ?? ''
  if (text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) throw new RangeError(`${name} wants a whole number, not '${text}'.`)
  return Number(text)
}
