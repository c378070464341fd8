import type { VfsSync } from '@varve/platform'
import { LOG_SUFFIX, parseSegmentFileName, SNAPSHOT_SUFFIX } from '../segment/segment-files.ts'

/** The names in a partition's folder, told apart. */
export interface FolderFiles {
  readonly names: ReadonlySet<string>
  /** In the order of their base offsets. */
  readonly logs: readonly { readonly baseOffset: number; readonly size: number }[]
  /** End offsets that producer snapshots stand for, rising. */
  readonly snapshots: readonly number[]
  /** What is no file of a segment. */
  readonly others: readonly { readonly name: string; readonly kind: 'file' | 'folder' | 'other' }[]
}

const SEGMENT_SUFFIXES = new Set(['.log', '.index', '.timeindex', '.txnindex', '.snapshot'])

/** Looks into a partition's folder; what vanishes meanwhile is left out. */
export function listFolder(fs: VfsSync, folder: string): FolderFiles {
  const names = new Set<string>()
  const logs: { baseOffset: number; size: number }[] = []
  const snapshots: number[] = []
  const others: FolderFiles['others'][number][] = []
  for (const { name, kind } of fs.list(folder)) {
    names.add(name)
    const parsed = kind === 'file' ? parseSegmentFileName(name) : undefined
    if (parsed === undefined || !SEGMENT_SUFFIXES.has(parsed.suffix)) {
      others.push({ name, kind })
      continue
    }
    const { baseOffset, suffix } = parsed
    if (suffix === SNAPSHOT_SUFFIX) snapshots.push(baseOffset)
    const stat = suffix === LOG_SUFFIX ? fs.stat(`${folder}/${name}`) : undefined
    if (stat !== undefined) logs.push({ baseOffset, size: stat.size })
  }
  return {
    names,
    logs: logs.sort((a, b) => a.baseOffset - b.baseOffset),
    snapshots: snapshots.sort((a, b) => a - b),
    others,
  }
}
