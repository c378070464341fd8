import type { InspectionItem } from '@varve/runtime'
import { basename } from 'node:path'
import { escapeText } from './escape.ts'
import { timeText } from './record-format.ts'
import { count, table } from './table.ts'

/** Rows of a table that has no end; then it is printed and goes on below. */
const ROWS_MAX = 1000

type Type = InspectionItem['type']
type ItemOf<T extends Type> = Extract<InspectionItem, { type: T }>
type Cell = string | number

interface Section<T extends Type> {
  readonly title: string
  readonly head: readonly string[]
  row(item: ItemOf<T>): readonly Cell[]
}

/** Printed as they come, a table for each file: there may be millions. */
const STREAMED: { readonly [T in 'batch' | 'offset-index-entry' | 'time-index-entry']: Section<T> } = {
  batch: {
    title: 'Batches',
    head: [
      'POSITION',
      'BYTES',
      'FIRST',
      'LAST',
      'RECORDS',
      'MAX TIME',
      'CODEC',
      'EPOCH',
      'PRODUCER',
      'SEQUENCE',
      'FLAGS',
      'CRC',
    ],
    row: one => [
      one.position,
      one.size,
      one.baseOffset,
      one.lastOffset,
      one.records,
      timeText(one.maxTimestamp),
      one.codec ?? '?',
      one.leaderEpoch,
      one.producerId < 0 ? '' : `${one.producerId}/${one.producerEpoch}`,
      one.baseSequence < 0 ? '' : `${one.baseSequence}..${one.lastSequence}`,
      flagsOf(one),
      one.crcOk ? 'ok' : 'WRONG',
    ],
  },
  'offset-index-entry': {
    title: 'Offset index',
    head: ['OFFSET', 'POSITION'],
    row: one => [one.offset, one.position],
  },
  'time-index-entry': {
    title: 'Time index',
    head: ['TIMESTAMP', 'TIME', 'OFFSET'],
    row: one => [one.timestamp, timeText(one.timestamp), one.offset],
  },
}

/** Printed at the end, one table each, in this order. */
const GATHERED: { readonly [T in Exclude<Type, keyof typeof STREAMED | 'directory'>]: Section<T> } = {
  lock: {
    title: 'Locks (the highest number owns)',
    head: ['NUMBER', 'PID', 'STATE', 'MACHINE'],
    row: one => [
      one.number,
      one.pid ?? '?',
      one.released === true ? 'released' : 'held',
      one.machineId ?? '?',
    ],
  },
  partition: {
    title: 'Partitions',
    head: [
      'PARTITION',
      'START',
      'END',
      'RECOVERY',
      'DURABLE',
      'HIGH WATERMARK',
      'CLEANED TO',
      'SEGMENTS',
      'BATCHES',
      'RECORDS',
      'BYTES',
      'TOPIC ID',
    ],
    row: one => [
      nameOf(one),
      one.logStartOffset ?? one.baseOffset ?? '-',
      one.endOffset ?? '-',
      one.recoveryPoint ?? '-',
      one.durableOffset ?? '-',
      one.highWatermark ?? '-',
      one.cleanedTo ?? '-',
      one.segments,
      count(one.batches),
      count(one.records),
      count(one.bytes),
      one.topicId ?? '-',
    ],
  },
  segment: {
    title: 'Segments',
    head: [
      'SEGMENT',
      'END',
      'BATCHES',
      'RECORDS',
      'BYTES',
      'FIRST TIME',
      'LAST TIME',
      'INDEX',
      'TIME INDEX',
      'ABORTED',
    ],
    row: one => [
      `${nameOf(one)}@${one.baseOffset}`,
      one.endOffset,
      count(one.batches),
      count(one.records),
      count(one.bytes),
      one.firstTimestamp === null ? '-' : timeText(one.firstTimestamp),
      one.lastTimestamp === null ? '-' : timeText(one.lastTimestamp),
      one.offsetIndexEntries ?? '-',
      one.timeIndexEntries ?? '-',
      one.abortedTransactions ?? '-',
    ],
  },
  'leader-epoch': {
    title: 'Leader epochs',
    head: ['EPOCH', 'FROM OFFSET'],
    row: one => [one.epoch, one.startOffset],
  },
  producer: {
    title: 'Producers, as the snapshots have them',
    head: [
      'SNAPSHOT',
      'PRODUCER',
      'EPOCH',
      'LAST SEQUENCE',
      'LAST OFFSET',
      'LAST TIME',
      'COORDINATOR EPOCH',
      'OPEN FROM',
    ],
    row: one => [
      one.snapshotOffset,
      one.producerId,
      one.producerEpoch,
      one.lastSequence,
      one.lastOffset,
      timeText(one.timestamp),
      one.coordinatorEpoch,
      one.currentTxnFirstOffset < 0 ? '-' : one.currentTxnFirstOffset,
    ],
  },
  'aborted-transaction': {
    title: 'Aborted transactions',
    head: ['PRODUCER', 'FIRST', 'LAST', 'LAST STABLE OFFSET'],
    row: one => [one.producerId, one.firstOffset, one.lastOffset, one.lastStableOffset],
  },
  checkpoint: {
    title: 'Checkpoint',
    head: ['PARTITION', 'OFFSET'],
    row: one => [nameOf(one), one.offset],
  },
  problem: {
    title: 'Not as it should be (varve verify looks at every byte)',
    head: ['FILE', 'POSITION', 'WHAT'],
    row: one => [one.path, one.position ?? '-', one.message],
  },
}

/** Puts what an inspection finds into tables for people. */
export class InspectionTables {
  readonly #gathered = new Map<Type, (readonly Cell[])[]>()
  #head = ''
  #open:
    { readonly type: keyof typeof STREAMED; readonly path: string; rows: (readonly Cell[])[] } | undefined

  /** Text that can be printed by now; mostly none. */
  take(item: InspectionItem): string {
    if (isStreamed(item)) return this.#stream(item)
    const done = this.#flush()
    if (item.type === 'directory') this.#head = directoryText(item)
    else this.#gather(item)
    return done
  }

  /** The rest. */
  finish(): string {
    let text = this.#flush() + this.#head
    for (const [type, { title, head }] of Object.entries(GATHERED)) {
      const rows = this.#gathered.get(type as Type)
      if (rows !== undefined) text += `${text === '' ? '' : '\n'}${title}\n${table(head, rows)}`
    }
    return text
  }

  #gather(item: Exclude<InspectionItem, { type: keyof typeof STREAMED | 'directory' }>): void {
    const rows = this.#gathered.get(item.type) ?? []
    this.#gathered.set(item.type, rows)
    rows.push((GATHERED[item.type] as Section<Type>).row(item))
  }

  #stream(item: ItemOf<keyof typeof STREAMED>): string {
    let done = ''
    const open = this.#open
    if (open?.type !== item.type || open.path !== item.path || open.rows.length >= ROWS_MAX)
      done = this.#flush()
    this.#open ??= { type: item.type, path: item.path, rows: [] }
    this.#open.rows.push((STREAMED[item.type] as Section<Type>).row(item))
    return done
  }

  #flush(): string {
    const open = this.#open
    if (open === undefined) return ''
    this.#open = undefined
    const { title, head } = STREAMED[open.type]
    return `${title} of ${escapeText(open.path)}\n${table(head, open.rows)}\n`
  }
}

function isStreamed(item: InspectionItem): item is ItemOf<keyof typeof STREAMED> {
  return item.type in STREAMED
}

function directoryText(one: ItemOf<'directory'>): string {
  const facts: [string, Cell | null][] = [
    [
      'written by',
      one.formatVersion === null ? one.writtenBy : `${one.writtenBy} (format ${one.formatVersion})`,
    ],
    ['state', one.clean ? 'closed in good order' : 'in use, or not closed in good order'],
    ['cluster id', one.clusterId],
    ['node id', one.nodeId],
    ['directory id', one.directoryId],
    ['broker epoch', one.brokerEpoch],
    ['partitions', one.partitions],
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === null ? [] : [`  ${name.padEnd(13)} ${escapeText(String(value))}\n`],
  )
  return `${escapeText(one.path)}\n${lines.join('')}`
}

function flagsOf(one: ItemOf<'batch'>): string {
  const flags: string[] = []
  if (one.control) flags.push('control')
  if (one.transactional) flags.push('transactional')
  if (one.timestampType === 'LogAppendTime') flags.push('append-time')
  if (one.deleteHorizon !== null) flags.push('delete-horizon')
  return flags.join(' ')
}

function nameOf(one: { topic: string | null; partition: number | null; path: string }): string {
  return one.topic === null ? basename(one.path) : `${one.topic}-${one.partition ?? '?'}`
}
