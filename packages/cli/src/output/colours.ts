import type { Io, OutputStream } from '../io.ts'

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const
export type Colour = keyof typeof CODES
export type Paint = (colour: Colour, text: string) => string

/**
 * Colours for one stream: only on a terminal that has them, and never with NO_COLOR (https://no-color.org).
 * FORCE_COLOR other than `0` asks for them elsewhere too.
 */
export function paintFor(stream: OutputStream, env: Io['env']): Paint {
  return hasColours(stream, env)
    ? (colour, text) => `\u001B[${CODES[colour]}m${text}\u001B[0m`
    : (_, text) => text
}

function hasColours(stream: OutputStream, env: Io['env']): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const force = env['FORCE_COLOR'] ?? ''
  if (force !== '') return force !== '0' && force !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

const PARTITIONS: readonly Colour[] = ['cyan', 'green', 'yellow', 'magenta', 'blue', 'red']

export function partitionColour(partition: number): Colour {
  return PARTITIONS[partition % PARTITIONS.length] ?? 'cyan'
}
