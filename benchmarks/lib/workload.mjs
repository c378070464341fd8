import { randomFillSync } from 'node:crypto'

export const RECORDS_PER_BATCH = 1000
export const VALUE_BYTES = 100
export const KEY_BYTES = 16
export const BATCHES_PER_WRITE = 8
export const WRITES_PER_RUN = 6
/** 2001-01-01, as the demo's records. */
export const BASE_TIMESTAMP = 978_307_200_000

/** 1,000 values of 100 bytes and, with `keyed`, as many keys of 16 bytes that all differ: one Buffer each, as a user has them. */
export function makeRecords({ keyed }) {
  const values = []
  const keys = []
  for (let i = 0; i < RECORDS_PER_BATCH; i++) {
    values.push(randomFillSync(Buffer.allocUnsafeSlow(VALUE_BYTES)))
    keys.push(keyed ? randomFillSync(Buffer.allocUnsafeSlow(KEY_BYTES)) : null)
  }
  return { values, keys }
}
