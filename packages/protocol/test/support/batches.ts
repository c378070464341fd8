/** A record of an uncompressed batch, as far as these tests look at it. */
export interface TestRecord {
  offset: number
  isControl: boolean
  key: Buffer | null
  value: Buffer | null
}

/** Reads the records of uncompressed batches, one after the other, up to the end of the file or its zeros. */
export function recordsOf(file: Buffer): TestRecord[] {
  const records: TestRecord[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = file.readUInt8(at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
  }
  const bytes = (): Buffer | null => {
    const size = varint()
    if (size < 0) return null
    at += size
    return file.subarray(at - size, at)
  }
  while (at + 61 <= file.length && file.readInt32BE(at + 8) > 0) {
    const start = at
    const end = start + 12 + file.readInt32BE(start + 8)
    const attributes = file.readInt16BE(start + 21)
    if ((attributes & 7) !== 0) throw new Error('the batch is compressed')
    const base = Number(file.readBigInt64BE(start))
    at = start + 61
    for (let left = file.readInt32BE(start + 57); left > 0; left--) {
      const next = varint() + at
      at++
      // The timestamp's delta; as a number of 32 bits it may be wrong, and nobody here asks for it.
      varint()
      const offset = base + varint()
      records.push({ offset, isControl: (attributes & 0x20) !== 0, key: bytes(), value: bytes() })
      at = next
    }
    at = end
  }
  return records
}
