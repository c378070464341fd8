const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** `512MB` (powers of 1000) or `512MiB` (powers of 1024) in whole bytes; `undefined` for a text that is no size. */
export function parseSize(text: string): number | undefined {
  const [, count, unit] = SIZE.exec(text) ?? []
  if (count === undefined || unit === undefined) return undefined
  const bytes = Math.round(Number(count) * (BYTES_PER_UNIT[unit] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
