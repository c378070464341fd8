import { VarveError } from '../errors.ts'

/** How one option is checked. `check` answers the value to use or throws with the field's name. */
export interface Field<T> {
  /** In words, such as "a whole number from 1 to 10". */
  readonly wanted: string
  check(value: unknown, field: string): T
}

/** A field with a value of its own where none is given. */
export interface FieldWithDefault<T> extends Field<T> {
  readonly fallback: { readonly value: T }
}

/** A field that may be left out and then stays out. */
export interface OptionalField<T> extends Field<T> {
  readonly optional: true
}

interface Range {
  min?: number
  max?: number
}

/** A whole number that is exact as a `number`. */
export function integer(range: Range = {}): Field<number> {
  return numeric('a whole number', range, Number.isSafeInteger)
}

/** A finite number. */
export function number(range: Range = {}): Field<number> {
  return numeric('a number', range, Number.isFinite)
}

export function boolean(): Field<boolean> {
  return field('true or false', value => typeof value === 'boolean')
}

/** @param options.pattern with `wanted` to say it in words */
export function string(
  options: { wanted?: string; pattern?: RegExp; lengthMax?: number } = {},
): Field<string> {
  const { pattern, lengthMax = Infinity } = options
  const wanted =
    options.wanted ?? (lengthMax === Infinity ? 'a string' : `a string of at most ${lengthMax} characters`)
  return field(
    wanted,
    value => typeof value === 'string' && value.length <= lengthMax && pattern?.test(value) !== false,
  )
}

/** One of some words. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Field<T> {
  return field(`one of ${values.map(value => show(value)).join(', ')}`, value => values.includes(value as T))
}

export function func<T extends (...args: never[]) => unknown>(): Field<T> {
  return field('a function', value => typeof value === 'function')
}

/** An object that has these methods, such as a file system or a clock. */
export function having<T extends object>(wanted: string, ...methods: (keyof T & string)[]): Field<T> {
  return field(wanted, value => {
    if (typeof value !== 'object' || value === null) return false
    return methods.every(method => typeof (value as Record<string, unknown>)[method] === 'function')
  })
}

/** A list, each item checked as `item`. */
export function listOf<T>(item: Field<T>): Field<T[]> {
  const wanted = `a list, each item ${item.wanted}`
  return {
    wanted,
    check: (value, name) => {
      if (!Array.isArray(value)) throw optionError(name, wanted, value)
      return value.map((one, index) => item.check(one, `${name}[${index}]`))
    },
  }
}

/** Anything, for what is checked elsewhere. */
export function anything<T>(): Field<T> {
  return field('anything', () => true)
}

/** Any check in a few words of its own. */
export function field<T>(wanted: string, fits: (value: unknown) => boolean): Field<T> {
  return {
    wanted,
    check: (value, name) => {
      if (!fits(value)) throw optionError(name, wanted, value)
      return value as T
    },
  }
}

export function optional<T>(inner: Field<T>): OptionalField<T> {
  return { ...inner, optional: true }
}

export function withDefault<T>(inner: Field<T>, value: NoInfer<T>): FieldWithDefault<T> {
  return { ...inner, fallback: { value } }
}

/** `INVALID_ARGUMENT` that names the field, what was wanted and what was found. */
export function optionError(name: string, wanted: string, found: unknown): VarveError {
  return new VarveError('INVALID_ARGUMENT', `The option ${name} must be ${wanted}, found ${show(found)}.`, {
    context: { field: name, wanted, found: show(found) },
  })
}

/** A value in a few characters, for a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return cut(JSON.stringify(value))
  if (typeof value === 'function') return `a function${value.name === '' ? '' : ` named ${value.name}`}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (typeof value === 'object' && value !== null) {
    const { name } = (value.constructor as { name?: unknown } | undefined) ?? {}
    return typeof name === 'string' && name !== 'Object' ? `an object of ${cut(name)}` : 'an object'
  }
  if (typeof value === 'bigint') return `${value}n`
  return String(value)
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function numeric(what: string, range: Range, fits: (value: unknown) => boolean): Field<number> {
  const { min = -Infinity, max = Infinity } = range
  const bounds =
    min > -Infinity && max < Infinity
      ? ` from ${min} to ${max}`
      : min > -Infinity
        ? ` of at least ${min}`
        : max < Infinity
          ? ` of at most ${max}`
          : ''
  return {
    wanted: `${what}${bounds}`,
    check: (value, name) => {
      const number = value as number
      if (!fits(value) || number < min || number > max) throw optionError(name, `${what}${bounds}`, value)
      return number
    },
  }
}
