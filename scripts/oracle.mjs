// `npm run oracle`: the real Kafka, asked. Its partition log plays the kept scenarios and as many from new seeds, and
// Varve has to answer the same; then Kafka's DumpLogSegments looks at what Varve wrote.
// `npm run oracle -- --seeds 500 --from 1000`: more of them. `npm run oracle -- --record`: writes the fixtures anew.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { play, prepare } from './oracle/kafka.mjs'
import { dumpAll } from './oracle/dump.mjs'
import { namedScenarios } from './oracle/named.mjs'
import { randomScenario } from './oracle/random.mjs'

const SEEDS_KEPT = 30
const top = fileURLToPath(new URL('..', import.meta.url))
const fixtures = join(top, 'packages/testkit/fixtures/oracle-4.3.0')

const { values: given } = parseArgs({
  options: { record: { type: 'boolean' }, seeds: { type: 'string' }, from: { type: 'string' } },
})
const missing = prepare()
if (missing !== undefined) console.error(`SKIPPED: Kafka was not asked anything, because ${missing}.`)
else await ask()

async function ask() {
  const work = mkdtempSync(join(tmpdir(), 'varve-oracle-'))
  try {
    const named = play(await namedScenarios(), join(work, 'named'))
    const kept = play(range(1, SEEDS_KEPT).map(randomScenario), join(work, 'kept'))
    if (given.record) record(named, kept)
    const from = Number(given.from ?? 1 + Math.floor(Math.random() * 1e9))
    const seeds = range(from, Number(given.seeds ?? 100))
    console.error(
      `Seeds from ${from} on, ${seeds.length} of them: npm run oracle -- --from ${from} --seeds ${seeds.length}`,
    )
    const fresh = play(seeds.map(randomScenario), join(work, 'fresh'))
    const answers = join(work, 'answers')
    mkdirSync(answers)
    writeFileSync(
      join(answers, 'all.ndjson'),
      [...named, ...kept, ...fresh].map(one => `${JSON.stringify(one)}\n`).join(''),
    )
    const written = join(work, 'varve')
    mkdirSync(written)
    const env = { ...process.env, VARVE_ORACLE: answers, VARVE_ORACLE_KEEP: written }
    const test = spawnSync(process.execPath, [join(top, 'scripts/test.mjs'), 'log/test/oracle.test'], {
      env,
      stdio: 'inherit',
    })
    const accepted = dumpAll(written)
    if (test.status !== 0 || !accepted) process.exitCode = 1
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A named scenario in a file of its own, a step or answer a line; what came from seeds packed. */
function record(named, kept) {
  rmSync(fixtures, { recursive: true, force: true })
  mkdirSync(fixtures, { recursive: true })
  for (const recording of named)
    writeFileSync(join(fixtures, `${recording.name}.json`), `${lined(recording)}\n`)
  writeFileSync(
    join(fixtures, 'random.ndjson.gz'),
    gzipSync(kept.map(one => `${JSON.stringify(one)}\n`).join('')),
  )
}

function lined({ steps, answers, files, ...rest }) {
  const list = items => `[\n${items.map(one => JSON.stringify(one)).join(',\n')}\n]`
  const entries = Object.entries(files).map(
    ([name, content]) => `${JSON.stringify(name)}:${JSON.stringify(content)}`,
  )
  const head = JSON.stringify(rest).slice(0, -1)
  return `${head},\n"steps":${list(steps)},\n"answers":${list(answers)},\n"files":{\n${entries.join(',\n')}\n}}`
}

function range(from, count) {
  return Array.from({ length: count }, (_, i) => from + i)
}
