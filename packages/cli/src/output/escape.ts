import { isUtf8 } from 'node:buffer'

// C0, DEL, C1, and what turns the direction of text: a record must never steer the screen it is shown on.
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g
// eslint-disable-next-line no-control-regex
const UNSAFE_BUT_LAYOUT = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text on one line without control characters: `\n`, `\t`, `\x1b`, `\u202e`. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeOne)
}

/** As `escapeText`, but lines and tabs stay what they are. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE_BUT_LAYOUT, escapeOne)
}

/** JSON text whose strings hold no control character; what it says stays the same. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Bytes as text; those that are no UTF-8 are shown as `\xff`. */
export function bytesAsText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  return bytes.toString('latin1').replace(/[\u0080-\u00FF]/g, escapeOne)
}

function escapeOne(one: string): string {
  const code = one.charCodeAt(0)
  return SHORT[one] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`)
}
