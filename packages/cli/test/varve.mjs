// The command line as a process of its own, for tests of signals, pipes and exit codes.
import { main } from '../dist/index.js'

process.exitCode = await main(process.argv.slice(2))
