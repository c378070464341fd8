import { VarveError } from '../errors.ts'
import { optionError, show, type Field, type FieldWithDefault, type OptionalField } from './fields.ts'

/** The options of one call: each with its check and, where it has one, its default. */
export type Schema = Record<string, Field<unknown>>

type ValueOf<F> = F extends Field<infer T> ? T : never
type OptionalKeys<S extends Schema> = {
  [K in keyof S]: S[K] extends OptionalField<unknown> ? K : never
}[keyof S]
type LeftOutKeys<S extends Schema> = {
  [K in keyof S]: S[K] extends OptionalField<unknown> | FieldWithDefault<unknown> ? K : never
}[keyof S]

/** What `checkOptions` answers. */
export type Checked<S extends Schema> = {
  -readonly [K in Exclude<keyof S, OptionalKeys<S>>]: ValueOf<S[K]>
} & { -readonly [K in OptionalKeys<S>]?: ValueOf<S[K]> }

/** What a caller may give. */
export type Given<S extends Schema> = { [K in Exclude<keyof S, LeftOutKeys<S>>]: ValueOf<S[K]> } & {
  [K in LeftOutKeys<S>]?: ValueOf<S[K]> | undefined
}

/**
 * Checks the options of one call at the edge and fills in the defaults. `undefined` counts as left out. Throws
 * `INVALID_ARGUMENT` naming the field, what was wanted and what was found; for an unknown field, the nearest known one.
 * @param call whose options these are, such as `producer`
 */
export function checkOptions<S extends Schema>(call: string, given: unknown, schema: S): Checked<S> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new VarveError(
      'INVALID_ARGUMENT',
      `The options of ${call} must be an object, found ${show(given)}.`,
      {
        context: { field: call, wanted: 'an object', found: show(given) },
      },
    )
  }
  const options = (given ?? {}) as Record<string, unknown>
  for (const name of Object.keys(options))
    if (!Object.hasOwn(schema, name)) throw unknownOption(call, name, schema)
  const checked: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema)) {
    const value = options[name]
    if (value !== undefined) checked[name] = field.check(value, `${call}.${name}`)
    else if ('fallback' in field) checked[name] = (field as FieldWithDefault<unknown>).fallback.value
    else if (!('optional' in field)) throw optionError(`${call}.${name}`, field.wanted, undefined)
  }
  return checked as Checked<S>
}

function unknownOption(call: string, name: string, schema: Schema): VarveError {
  const known = Object.keys(schema)
  const near = nearest(name, known)
  const hint = near === undefined ? `it takes ${known.join(', ')}` : `did you mean ${near}?`
  const message = `The option ${call}.${name} is unknown: ${hint}${hint.endsWith('?') ? '' : '.'}`
  return new VarveError('INVALID_ARGUMENT', message, { context: { field: `${call}.${name}`, wanted: known } })
}

/** The word that takes the fewest changes, if few enough to be a slip. Also for topics and commands in messages. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const one of words) {
    const changes = distance(word.toLowerCase(), one.toLowerCase())
    if (changes < fewest) {
      best = one
      fewest = changes
    }
  }
  return best
}

/** Levenshtein's, where two letters swapped count as one change. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced, swapped))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
