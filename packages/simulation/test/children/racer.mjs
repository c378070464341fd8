// Takes and gives back a data directory as often as it can, and writes `own ID`, `hold ID`, `free ID` to a journal that
// all racers append to. The same words go to stdout. With a second number it keeps what it got at that acquisition.
import { openSync, writeSync } from 'node:fs'
import { LogDirectory, NodeMachine } from '@varve/log'
import { cryptoRandom, NodeFs, realClock } from '@varve/platform'

const [path, journalPath, id, keepAt] = process.argv.slice(2)
const journal = openSync(journalPath, 'a')
const machine = new NodeMachine()
const vfs = new NodeFs()

function say(word) {
  writeSync(journal, `${word} ${id}\n`)
  writeSync(1, `${word}\n`)
}

const turn = () => new Promise(resolve => setTimeout(resolve, 2))
/** Who was refused leaves the cores to the others for a while. */
const pause = () => new Promise(resolve => setTimeout(resolve, 2 + Math.random() * 40))

async function main() {
  for (let acquired = 0; ;) {
    try {
      const directory = await LogDirectory.open(path, {
        vfs,
        clock: realClock,
        random: cryptoRandom,
        machine,
      })
      say('own')
      acquired++
      do {
        await vfs.stat(path)
        say('hold')
        await turn()
      } while (acquired === Number(keepAt))
      say('free')
      await directory.close()
    } catch (error) {
      if (error.code === undefined) throw error
      await pause()
    }
  }
}

main().catch(error => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
