import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { Player } from './oracle/player.ts'
import { recordings, type Answer, type Recording, type Step } from './oracle/scenario.ts'

// What Apache Kafka's own partition log answered, step by step, and the files it left: Varve has to do the same. The
// recordings are made by `npm run oracle -- --record`; `npm run oracle` compares with new ones from other seeds.

/** Where the directories that Varve writes are left for Kafka's tools to look at. */
const keep = process.env['VARVE_ORACLE_KEEP']

/** What Varve does not do yet; `VARVE_ORACLE_ALL=1` plays it all the same. */
const LATER = new Set<string>()
const all = process.env['VARVE_ORACLE_ALL'] === '1' || process.env['VARVE_ORACLE'] !== undefined
const later = (name: string): boolean => !all && LATER.has(name)

/** A step in short, as it is shown when the answers differ. */
function shown(step: Step, index: number): string {
  const { bytes, ...rest } = step
  return `step ${index}: ${JSON.stringify(rest)}${bytes === undefined ? '' : ` ${bytes.slice(0, 200)}`}`
}

/** What may differ, with the reason. */
function comparable(
  answer: Answer,
  wanted: Answer,
  { config, steps }: Recording,
): [answer: Answer, wanted: Answer] {
  // Kafka dies of some input with an error that names no reason.
  if ('error' in answer && wanted['error'] === 'UNKNOWN_SERVER_ERROR') return [wanted, wanted]
  // Kafka looks into the first segment that has so late a record and into no other, even if the record was deleted.
  if (Object.keys(wanted).length === 0 && 'timestamp' in answer) return [wanted, wanted]
  // Which of the two it is for bytes that no producer would make is of no use to anybody.
  if (isRefused(answer) && isRefused(wanted)) return [wanted, wanted]
  // Kafka drops half a batch at the end without a word; Varve says so.
  if ('error' in answer && wanted['baseOffset'] === -1) return [wanted, wanted]
  // Kafka answers a duplicate with its batch's timestamp, which is no append time; a producer would take it for one.
  if (answer['logAppendTime'] === -1) return [answer, { ...wanted, logAppendTime: -1 }]
  // From a snapshot Kafka knows only the time of the producer's last marker; Varve finds the batch's own in the log.
  if ('logAppendTime' in answer && 'logAppendTime' in wanted && steps.some(({ op }) => op === 'reopen'))
    return [answer, { ...wanted, logAppendTime: answer['logAppendTime'] }]
  if (!reencodes(config)) return [answer, wanted]
  return [withoutSizes(answer), withoutSizes(wanted)]
}

function isRefused({ error }: Answer): boolean {
  return error === 'INVALID_RECORD' || error === 'CORRUPT_MESSAGE'
}

/** Libraries make different bytes of the same records; records and headers are compared. */
function reencodes(config: Recording['config']): boolean {
  return !['producer', 'uncompressed', undefined].includes(config['compression.type'])
}

function withoutSizes(answer: Answer): Answer {
  const segments = answer['segments'] as [baseOffset: number, size: number][] | undefined
  return segments === undefined ? answer : { ...answer, segments: segments.map(([baseOffset]) => baseOffset) }
}

const LASTING = /^\d{20}\.(log|index|timeindex|txnindex|snapshot)$/

/** The entries of a snapshot; their order has no meaning. */
function producers(text: string): string[] {
  const bytes = Buffer.from(text, 'base64')
  const found: string[] = []
  for (let at = 10; at < bytes.length; at += 46) found.push(bytes.subarray(at, at + 46).toString('hex'))
  return found.sort()
}

function lasting({ config, steps }: Recording, files: Record<string, string>): Record<string, unknown> {
  // A recovery by Kafka adds a time entry that a walk from the start does not, and takes snapshots of its own, as does a
  // deletion; the answers are the same.
  const recovered = steps.some(({ op }) => op === 'reopen')
  const content = (name: string, text: string): unknown =>
    name.endsWith('.snapshot') ? producers(text) : text
  const left = Object.entries(files).filter(([name, content]) => {
    if (!LASTING.test(name) || content === '') return false
    if (reencodes(config)) return !/log$|index$/.test(name) || name.endsWith('txnindex')
    return !recovered || !/\d\.((time)?index|snapshot)$/.test(name)
  })
  return Object.fromEntries(left.map(([name, text]) => [name, content(name, text)]))
}

for (const recording of recordings()) {
  t.test(recording.name, async t => {
    if (later(recording.name)) {
      t.pass('skipped', { skip: 'not built yet' })
      return
    }
    const player = new Player(recording)
    await player.open()
    let differences = 0
    for (const [index, step] of recording.steps.entries()) {
      const [answer, wanted] = comparable(await player.play(step), recording.answers[index] ?? {}, recording)
      if (JSON.stringify(answer) === JSON.stringify(wanted)) continue
      t.same(answer, wanted, shown(step, index))
      // What follows the first differences follows from them.
      if (++differences === 3) break
    }
    await player.close()
    if (differences > 0) return
    t.pass(`${recording.steps.length} answers`)
    t.same(
      lasting(recording, player.files()),
      lasting(recording, recording.files),
      'the files after an orderly close',
    )
    if (keep === undefined) return
    for (const [path, bytes] of player.tree()) {
      const to = join(keep, recording.name, path)
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, bytes)
    }
  })
}
