import { Player } from './player.ts'
import { recordings } from './scenario.ts'
const only = process.argv[2]
const strict = process.env['STRICT'] === '1'
const LASTING = /^\d{20}\.(log|index|timeindex|txnindex|snapshot)$/
const max = Number(process.env['MAX'] ?? 3)
let same = 0
for (const r of recordings()) {
  if (only !== undefined && !new RegExp(only).test(r.name)) continue
  const player = new Player(r)
  let n = 0
  const say = (text: string) => {
    n++
    process.stdout.write(`${r.name} ${text.slice(0, Number(process.env['WIDTH'] ?? 700))}\n`)
  }
  try {
    await player.open()
    for (const [i, step] of r.steps.entries()) {
      const wanted = r.answers[i] ?? {}
      let answer = await player.play(step)
      if (wanted['error'] === 'UNKNOWN_SERVER_ERROR' && 'error' in answer) continue
      if (!strict && !('error' in wanted) && !('error' in answer))
        answer = {
          ...wanted,
          ...Object.fromEntries(Object.entries(answer).filter(([, v]) => v !== undefined)),
        }
      if (JSON.stringify(answer) !== JSON.stringify(wanted)) {
        const { bytes, ...rest } = step
        const diff = Object.keys({ ...wanted, ...answer })
          .filter(k => JSON.stringify(answer[k]) !== JSON.stringify(wanted[k]))
          .map(k => {
            const [w, a] = [wanted[k], answer[k]]
            if (Array.isArray(w) && Array.isArray(a)) {
              const at = Array.from({ length: Math.max(w.length, a.length) }, (_, j) => j).filter(
                j => JSON.stringify(w[j]) !== JSON.stringify(a[j]),
              )
              return `${k}(${w.length}/${a.length})[${at.length} differ, first ${String(at[0])}] kafka ${JSON.stringify(w[at[0] ?? 0])} varve ${JSON.stringify(a[at[0] ?? 0])}`
            }
            return `${k}: kafka ${JSON.stringify(w)} varve ${JSON.stringify(a)}`
          })
        say(`#${i} ${JSON.stringify(rest)}: ${diff.join('; ')}`)
        if (n >= max) break
      }
    }
    await player.close()
    if (n < max) {
      const [w, a] = [r.files, player.files()]
      for (const name of Object.keys({ ...w, ...a }))
        if (LASTING.test(name) && (w[name] ?? '') !== (a[name] ?? ''))
          say(`FILE ${name} kafka ${String(w[name])} varve ${String(a[name])}`)
    }
  } catch (error) {
    say(
      `THROWS ${error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 3).join(' ') : String(error)}`,
    )
  }
  if (n === 0) {
    same++
    process.stdout.write(`${r.name} same\n`)
  }
}
process.stdout.write(`${same} same\n`)
