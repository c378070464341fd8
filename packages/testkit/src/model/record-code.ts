import type { Marker } from './stamp.ts'

const INDEX_MAX = 64

/** Which record it is, in one number. */
export const codeOf = (seq: number, index: number): number => seq * INDEX_MAX + index

/** Of markers: negative. */
export const markerCode = (producer: number, marker: Marker): number =>
  -1 - (producer * 2 + (marker === 'abort' ? 1 : 0))

/** The batch that a record is in; below 0 for a marker. */
export const seqOf = (code: number): number => Math.floor(code / INDEX_MAX)

/** For a message. */
export function tellCode(code: number | undefined): string {
  if (code === undefined) return 'something'
  return code < 0 ? `a marker of producer ${(-1 - code) >> 1}` : `batch ${seqOf(code)}`
}
