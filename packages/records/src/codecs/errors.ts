import { VarveError } from '@varve/platform'
import type { CodecName } from '../attributes.ts'

/** More would come out than allowed; thrown before it is allocated. `found` where the data says how much it is. */
export function tooLarge(codec: CodecName, max: number, found?: number): VarveError {
  const size = found === undefined ? `more than ${max} bytes` : `${found} bytes`
  return new VarveError(
    'TOO_LARGE',
    `The ${codec} data decompresses to ${size}, but at most ${max} are allowed here; raise the limit if you trust its source.`,
    { context: { max, ...(found === undefined ? {} : { found }) } },
  )
}

/** The compressed bytes are damaged or not of this codec. */
export function corruptData(
  codec: CodecName,
  what: string,
  options: { position?: number; cause?: unknown } = {},
): VarveError {
  const { position, cause } = options
  const where = position === undefined ? '' : ` at byte ${position}`
  return new VarveError('CORRUPT_MESSAGE', `The ${codec} data is damaged: ${what}${where}.`, {
    context: position === undefined ? {} : { position },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What came out is not what was said before: a bug in a library, or damage that it let through. */
export function wrongSize(codec: CodecName, wanted: number, found: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The ${codec} data is damaged: ${wanted} bytes were to come out, but ${found} did.`,
    { context: { wanted, found } },
  )
}
