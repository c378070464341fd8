import type { DurableNote } from '../checkpoints/durable-note.ts'
import type { PartitionFiles } from './partition-files.ts'

/**
 * Whether a folder is as its note describes it: the same newest segment with as many bytes, all of them durable, and
 * nothing else that an opening would have to settle.
 */
export function isSettled(note: DurableNote, { segments, epochs }: PartitionFiles): boolean {
  const { state, durableOffset: end, segment, position } = note
  if (state !== 'settled') return false
  const newest = segments.find(({ baseOffset }) => baseOffset === segment)
  if (newest?.size !== position) return false
  if (position === 0 ? segment !== end : segment >= end) return false
  for (const { baseOffset, size } of segments)
    if (baseOffset > segment || (size === 0 && baseOffset !== segment)) return false
  // Epochs that are lost, or that began above the end, are the loader's work.
  return (epochs?.latest?.startOffset ?? (end > 0 ? Infinity : 0)) <= end
}
