import { join } from 'node:path'
import { NodeFs, cryptoRandom, realClock } from '@varve/platform'
import { LogDirectory, logConfigOf } from '@varve/log'

/** Kafka's default: what the operating system has is acknowledged. */
export const FLUSH_MESSAGES_MAX = String(Number.MAX_SAFE_INTEGER)

/** One partition on the disk, with `flush.messages` at its maximum unless said, and the largest segments. */
export async function openLog(folder) {
  const directory = await LogDirectory.open(join(folder, 'data'), {
    vfs: new NodeFs(),
    clock: realClock,
    random: cryptoRandom,
  })
  let topics = 0
  return {
    /** A new partition; the one before it is deleted, so that every run appends to an empty file. */
    async fresh(previous, { flushMessages = FLUSH_MESSAGES_MAX } = {}) {
      if (previous !== undefined)
        await directory.deletePartition({ topic: previous.topic, partition: previous.partition })
      const config = logConfigOf([['flush.messages', String(flushMessages)]])
      return directory.createPartition({
        topic: `bench-${topics++}`,
        partition: 0,
        topicId: cryptoRandom.bytes(16).toString('base64url'),
        config,
        leaderEpoch: 0,
      })
    },
    close: () => directory.close(),
  }
}
