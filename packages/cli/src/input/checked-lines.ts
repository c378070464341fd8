import { LineSplitter, type Line } from './lines.ts'
import { LineError, type BytesRecord, type RecordParser } from './record-parser.ts'

export interface CheckedLinesOptions {
  parse: RecordParser
  recordBytesMax: number
  partitions: number
  json: boolean
}

/** Lines in, records out, each checked against what the topic takes. */
export class CheckedLines {
  readonly splitter: LineSplitter
  readonly #options: CheckedLinesOptions
  readonly #lineBytesMax: number

  constructor(options: CheckedLinesOptions) {
    this.#options = options
    // JSON text of a record is longer than the record: six bytes for a control character.
    this.#lineBytesMax = options.json ? options.recordBytesMax * 6 + 65_536 : options.recordBytesMax
    this.splitter = new LineSplitter({ bytesMax: this.#lineBytesMax })
  }

  record({ bytes }: Line): BytesRecord | undefined {
    const { parse, recordBytesMax, partitions } = this.#options
    if (bytes.length > this.#lineBytesMax) {
      throw new LineError(
        `is longer than ${this.#lineBytesMax} bytes (the topic's max.message.bytes decides)`,
      )
    }
    const record = parse(bytes)
    if (record === undefined) return undefined
    if (record.partition !== undefined && record.partition >= partitions) {
      throw new LineError(
        `names partition ${record.partition}, but the topic has ${partitions} (0 to ${partitions - 1})`,
      )
    }
    const size = sizeOf(record.key) + sizeOf(record.value)
    if (size <= recordBytesMax) return record
    throw new LineError(
      `is a record of ${size} bytes, more than the topic takes (max.message.bytes=${recordBytesMax})`,
    )
  }
}

function sizeOf(data: Buffer | string | null | undefined): number {
  return data === null || data === undefined ? 0 : Buffer.byteLength(data)
}
