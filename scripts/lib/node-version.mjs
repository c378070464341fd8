// Only syntax that a very old Node can parse: this file is what tells its user to update.

var wanted = [20, 19]

/** Ends the process with one sentence when `version` (such as `20.11.0`) is older than Varve needs. */
export function checkNode(version) {
  var problem = nodeProblem(version)
  if (problem === undefined) return
  process.stderr.write(problem + '\n')
  process.exit(1)
}

/** What is wrong with a Node of this version, or undefined. */
export function nodeProblem(version) {
  var parts = version.split('.').map(Number)
  if (parts[0] > wanted[0] || (parts[0] === wanted[0] && parts[1] >= wanted[1])) return undefined
  return (
    'Varve needs Node.js ' +
    wanted.join('.') +
    ' or newer and this is ' +
    version +
    '; install a current one from https://nodejs.org and run the command again.'
  )
}
