import { readFileSync } from 'node:fs'

const argv = process.argv.slice(2)

if (argv.length === 1 && argv[0] === '--version') {
  // Answered here: loading the commands takes longer than starting Node.
  const json: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.once('error', () => undefined) // nobody reads: no reason to die
  process.stdout.write(`${(json as { version: string }).version}\n`)
} else {
  void import('@varve/cli')
    .then(({ main }) => main(argv))
    .then(code => {
      // Not `process.exit`: what was written may still be on its way into a pipe.
      process.exitCode = code
    })
}
