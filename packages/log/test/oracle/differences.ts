// In a line each, where Varve's answers differ from the recorded ones, for whoever works on it:
//   node --import ./scripts/lib/typescript-loader.mjs packages/log/test/oracle/differences.ts [part of a name]
import { Player } from './player.ts'
import { recordings, type Answer, type Recording, type Step } from './scenario.ts'

const PER_SCENARIO_MAX = 4
const LASTING = /^\d{20}\.(log|index|timeindex|txnindex|snapshot)$/

function json(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function difference(name: string, wanted: unknown, found: unknown): string {
  if (!Array.isArray(wanted) || !Array.isArray(found))
    return `${name}: Kafka ${json(wanted)} Varve ${json(found)}`
  const length = Math.max(wanted.length, found.length)
  const at = Array.from({ length }, (_, i) => i).find(i => json(wanted[i]) !== json(found[i])) ?? 0
  return `${name}[${at}] of ${wanted.length}/${found.length}: Kafka ${json(wanted[at])} Varve ${json(found[at])}`
}

function compared(wanted: Answer, found: Answer): string[] {
  const names = Object.keys({ ...wanted, ...found }).filter(name => json(wanted[name]) !== json(found[name]))
  return names.map(name => difference(name, wanted[name], found[name]))
}

function short(step: Step): string {
  return json({ ...step, bytes: step.bytes?.slice(0, 24) })
}

async function differences(recording: Recording): Promise<string[]> {
  const found: string[] = []
  const player = new Player(recording)
  await player.open()
  for (const [index, step] of recording.steps.entries()) {
    const differ = compared(recording.answers[index] ?? {}, await player.play(step))
    if (differ.length > 0) found.push(`#${index} ${short(step)} ${differ.join('; ')}`)
    if (found.length === PER_SCENARIO_MAX) return found
  }
  await player.close()
  const left = (files: Record<string, string>): Answer =>
    Object.fromEntries(
      Object.entries(files).filter(([name, content]) => LASTING.test(name) && content !== ''),
    )
  return [...found, ...compared(left(recording.files), left(player.files()))]
}

async function main(): Promise<void> {
  for (const recording of recordings()) {
    if (!recording.name.includes(process.argv[2] ?? '')) continue
    const found = await differences(recording).catch((error: unknown) => [String(error)])
    for (const text of found.length === 0 ? ['as Kafka'] : found)
      process.stdout.write(`${recording.name}: ${text.slice(0, 900)}\n`)
  }
}

void main()
