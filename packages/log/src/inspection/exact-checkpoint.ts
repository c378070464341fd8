import { formatCheckpoint, parseCheckpoint } from '../checkpoints/checkpoint-file.ts'

/** The entries of a checkpoint, `undefined` where any byte is another than a writer of that content would have written. */
export function exactCheckpoint(text: string, fields: number): string[][] | undefined {
  const entries = parseCheckpoint(text, fields)
  // Kafka ends lines as its machine does.
  const written = text.replaceAll('\r\n', '\n')
  return entries !== undefined && formatCheckpoint(entries) === written ? entries : undefined
}
