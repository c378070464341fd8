import { VarveError } from '@varve/platform'

/** Kafka's "no id": sixteen zero bytes. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

const TEXT = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** The text of the sixteen bytes at `at`: unpadded base64url, 22 characters, as Kafka prints ids. */
export function uuidText(bytes: Buffer, at = 0): string {
  if (at + 16 > bytes.length) {
    throw new VarveError('CORRUPT_MESSAGE', `An id takes 16 bytes and only ${bytes.length - at} are there.`, {
      context: { position: at },
    })
  }
  return bytes.toString('base64url', at, at + 16)
}

/** Whether `text` is an id in its one canonical spelling. */
export function isUuid(text: string): boolean {
  return TEXT.test(text)
}

/** The sixteen bytes of an id; `INVALID_ARGUMENT` when `text` is none. */
export function uuidBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(16)
  if (!writeUuid(text, bytes, 0)) {
    throw new VarveError('INVALID_ARGUMENT', `'${text}' is no id: 22 characters of base64url are wanted.`, {
      context: { wanted: '22 characters of base64url', found: text },
    })
  }
  return bytes
}

/** Writes an id into `bytes` and says whether `text` was one. */
export function writeUuid(text: string, bytes: Buffer, at: number): boolean {
  if (typeof text !== 'string' || !TEXT.test(text)) return false
  bytes.write(text, at, 16, 'base64url')
  return true
}

/**
 * A random id (version 4) from sixteen random bytes, with Kafka's own care: an id whose text starts with `-` would be
 * taken for an option by command lines, so another one is drawn.
 */
export function randomUuid(randomBytes: (count: number) => Buffer): string {
  for (;;) {
    const bytes = Buffer.from(randomBytes(16))
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
    const text = uuidText(bytes)
    if (!text.startsWith('-')) return text
  }
}
