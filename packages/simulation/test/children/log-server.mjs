// Has a log directory open for the process that started it: one message a call, one an answer, until it is killed.
import { LogDirectory, NodeMachine } from '@varve/log'
import { plant } from '@varve/log/testing'
import { FakeClock, NodeFs, SeededRandom } from '@varve/platform'

const clock = new FakeClock()
let directory

async function open({ path, seed, configs, bugs }) {
  plant(...bugs)
  directory = await LogDirectory.open(path, {
    vfs: new NodeFs(),
    clock,
    random: new SeededRandom(seed),
    machine: new NodeMachine(),
    configOf: ({ topic }) => configs[topic],
    retentionCheckIntervalMs: 300,
  })
}

async function answer({ name, method, given }) {
  if (name === '' && method === 'open') return open(...given)
  const target = name === '' ? directory : directory.partitions.get(name)
  if (method === 'append') given[0] = Buffer.from(given[0])
  const value = await target[method](...given)
  // A partition is no message.
  return method === 'createPartition' ? undefined : value
}

function logs() {
  return [...(directory?.partitions.values() ?? [])].map(
    ({ name, topicId, logStartOffset, highWatermark, lastStableOffset, config }) => ({
      name,
      topicId,
      logStartOffset,
      highWatermark,
      lastStableOffset,
      config,
    }),
  )
}

process.on('message', async call => {
  const { id } = call
  if (call.now > clock.now()) clock.advance(call.now - clock.now())
  const said = { id }
  try {
    said.value = await answer(call)
  } catch (error) {
    said.error = { code: error.code ?? error.name, message: error.message }
  }
  process.send({ ...said, logs: logs(), findings: directory?.findings ?? [] })
})
