import type { ConsumerRecord } from '@varve/runtime'
import { partitionColour, type Paint } from './colours.ts'
import { bytesAsText, escapeControls, escapeJson, escapeText } from './escape.ts'
import type { Output } from './output.ts'

export type FormatName = 'pretty' | 'json' | 'raw'
export type BytesName = 'utf8' | 'base64'
/** Writes one record to an output. */
export type RecordFormat = (record: ConsumerRecord) => void

export interface RecordFormatOptions {
  format: FormatName
  bytes: BytesName
  output: Output
  paint: Paint
}

export function recordFormat({ format, bytes, output, paint }: RecordFormatOptions): RecordFormat {
  const terminal = output.stream.isTTY === true
  if (format === 'json') return jsonFormat(output, bytes, terminal)
  if (format === 'raw') return rawFormat(output, bytes, terminal)
  return prettyFormat(output, bytes, paint)
}

const utf8 = (bytes: Buffer | null): string =>
  bytes === null ? 'null' : JSON.stringify(bytes.toString('utf8'))
const base64 = (bytes: Buffer | null): string => (bytes === null ? 'null' : `"${bytes.toString('base64')}"`)

/**
 * One object a line: `topic partition offset timestamp timestampType leaderEpoch key value headers`. The names and their
 * order never change. With base64 the headers' names stay text.
 */
function jsonFormat(output: Output, bytes: BytesName, terminal: boolean): RecordFormat {
  const text = bytes === 'base64' ? base64 : utf8
  const fronts: string[] = []
  let topic = ''
  let topicJson = ''
  return record => {
    if (record.topic !== topic) {
      topic = record.topic
      topicJson = JSON.stringify(topic)
      fronts.length = 0
    }
    const front = (fronts[record.partition] ??=
      `{"topic":${topicJson},"partition":${record.partition},"offset":`)
    let headers = ''
    for (const [key, value] of record.headers) {
      headers += `${headers === '' ? '' : ','}[${JSON.stringify(key)},${text(value)}]`
    }
    const json =
      `${front}${record.offset},"timestamp":${record.timestamp},"timestampType":"${record.timestampType}"` +
      `,"leaderEpoch":${record.leaderEpoch},"key":${text(record.key)},"value":${text(record.value)}` +
      `,"headers":[${headers}]}`
    output.text(`${terminal ? escapeJson(json) : json}\n`)
  }
}

const LINE_END = Buffer.from('\n')

/** The value and a line end, as they are; an empty line for null. Only a terminal gets control characters escaped. */
function rawFormat(output: Output, bytes: BytesName, terminal: boolean): RecordFormat {
  return ({ value }) => {
    if (value !== null && bytes === 'base64') output.text(value.toString('base64'))
    else if (value !== null && terminal) output.text(escapeControls(bytesAsText(value)))
    else if (value !== null) output.bytes(value)
    output.bytes(LINE_END)
  }
}

/** `flights-3@120  2001-01-03 06:02:00.000  DTW  {"delay":66}  [h=1]` */
function prettyFormat(output: Output, bytes: BytesName, paint: Paint): RecordFormat {
  const text = (value: Buffer) =>
    bytes === 'base64' ? value.toString('base64') : escapeText(bytesAsText(value))
  const shown = (value: Buffer | null) => (value === null ? paint('dim', 'null') : text(value))
  return record => {
    const place = paint(
      partitionColour(record.partition),
      `${record.topic}-${record.partition}@${record.offset}`,
    )
    const headers = record.headers.map(
      ([key, value]) => `${escapeText(key)}=${value === null ? 'null' : text(value)}`,
    )
    const parts = [place, paint('dim', timeText(record.timestamp))]
    if (record.key !== null) parts.push(paint('bold', text(record.key)))
    parts.push(shown(record.value))
    if (headers.length > 0) parts.push(paint('dim', `[${headers.join(', ')}]`))
    output.text(`${parts.join('  ')}\n`)
  }
}

/** A timestamp in UTC, or the number where no calendar reaches it. */
export function timeText(timestamp: number): string {
  const date = new Date(timestamp)
  if (timestamp < 0 || Number.isNaN(date.getTime())) return String(timestamp)
  return date.toISOString().replace('T', ' ')
}
