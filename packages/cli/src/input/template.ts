import { usageError } from '../failures.ts'
import { LineError, type BytesRecord, type RecordParser } from './record-parser.ts'

type Field = 'k' | 'v' | 't' | 'p'
type Part = { readonly field: Field } | { readonly literal: Buffer }

const NAMES: Readonly<Record<Field, string>> = { k: 'key', v: 'value', t: 'timestamp', p: 'partition' }
const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\', '0': '\0' }

/**
 * A parser for lines that look like `template`: `%k` key, `%v` value, `%t` timestamp in ms, `%p` partition, `%%` a
 * percent sign, `\t`, `\n`, `\r`, `\\`, `\0`, `\xff`. A field reaches to the first place where the text behind it in the
 * template stands; the last one takes the rest of the line. The `\n` at the end may be left out.
 *
 * @throws USAGE for a template that cannot be taken apart again
 */
export function templateParser(template: string): RecordParser {
  const parts = partsOf(template)
  return line => {
    const found: Partial<Record<Field, Buffer>> = {}
    let at = 0
    for (const [index, part] of parts.entries()) {
      if ('literal' in part) {
        if (!line.subarray(at, at + part.literal.length).equals(part.literal)) {
          throw new LineError(`does not look like ${JSON.stringify(template)}`)
        }
        at += part.literal.length
        continue
      }
      const next = parts[index + 1]
      const end =
        next !== undefined && 'literal' in next
          ? endOf(line, at, next.literal, index + 2 === parts.length)
          : line.length
      if (end < 0) {
        const literal = next !== undefined && 'literal' in next ? next.literal.toString() : ''
        throw new LineError(`has no ${JSON.stringify(literal)} behind the ${NAMES[part.field]}`)
      }
      found[part.field] = line.subarray(at, end)
      at = end
    }
    if (at < line.length) throw new LineError(`goes on after what ${JSON.stringify(template)} describes`)
    return recordOf(found)
  }
}

/** Text that closes the line is looked for at its end, so that a value may hold it. */
function endOf(line: Buffer, at: number, literal: Buffer, closes: boolean): number {
  if (!closes) return line.indexOf(literal, at)
  const end = line.length - literal.length
  return end >= at && line.subarray(end).equals(literal) ? end : -1
}

function recordOf(found: Partial<Record<Field, Buffer>>): BytesRecord {
  return {
    key: found.k ?? null,
    value: found.v ?? null,
    ...(found.t && { timestamp: whole('timestamp', found.t) }),
    ...(found.p && { partition: whole('partition', found.p) }),
  }
}

function whole(name: string, bytes: Buffer): number {
  const text = bytes.toString('latin1')
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(number)) return number
  throw new LineError(`has a ${name} that is not a whole number from 0 on`)
}

function partsOf(template: string): Part[] {
  const parts: Part[] = []
  let literal = ''
  for (const [token] of template.matchAll(/%.?|\\x[0-9a-fA-F]{2}|\\.?|[^%\\]+/gs)) {
    const field = token[1] ?? ''
    if (token.startsWith('%') && token !== '%%') {
      if (!isField(field)) throw bad(template, `"${token}" is none of %k, %v, %t, %p and %%`)
      if (parts.some(part => 'field' in part && part.field === field))
        throw bad(template, `"${token}" is there twice`)
      if (literal !== '') parts.push({ literal: Buffer.from(literal, 'latin1') })
      else if (parts.length > 0) throw bad(template, `nothing stands between two fields`)
      literal = ''
      parts.push({ field })
    } else if (/^\\x[0-9a-fA-F]{2}$/.test(token)) literal += String.fromCharCode(parseInt(token.slice(2), 16))
    else literal += Buffer.from(plain(token, template), 'utf8').toString('latin1')
  }
  literal = literal.replace(/\n$/, '')
  if (literal !== '') parts.push({ literal: Buffer.from(literal, 'latin1') })
  if (parts.some(part => 'literal' in part && part.literal.includes('\n'))) {
    throw bad(template, 'records end at each line end, so only the last thing can be "\\n"')
  }
  if (!parts.some(part => 'field' in part && part.field === 'v')) throw bad(template, '"%v" is missing')
  return parts
}

function plain(token: string, template: string): string {
  if (token === '%%') return '%'
  if (!token.startsWith('\\')) return token
  const escaped = ESCAPES[token.slice(1)]
  if (escaped === undefined) throw bad(template, `"${token}" is none of \\t, \\n, \\r, \\0, \\\\ and \\xff`)
  return escaped
}

function isField(letter: string): letter is Field {
  return letter in NAMES
}

function bad(template: string, why: string): Error {
  return usageError(`The template ${JSON.stringify(template)} cannot be used: ${why}; try -f '%k\\t%v\\n'.`)
}
