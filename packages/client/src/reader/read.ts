import type { ConsumerRecord, ReadOptions, SerdeOption } from '../api.ts'
import type { ClientContext } from '../context.ts'
import { checkTopic } from '../options.ts'
import { follow } from './follow.ts'
import { checkReadOptions, type CheckedReadOptions } from './options.ts'
import { planStreams } from './plan.ts'
import { ReadScope } from './read-scope.ts'

/** Records of one topic, partition by partition; with `follow`, what comes later in the order in which it comes. */
export function read<K, V>(
  context: ClientContext,
  topic: string,
  given: ReadOptions<SerdeOption, SerdeOption> = {},
): AsyncGenerator<ConsumerRecord<K, V>, void, undefined> {
  // Checked now, not at the first step of the loop.
  const options = checkReadOptions('read', given, context.clock)
  return readRecords(context, checkTopic(topic), options)
}

async function* readRecords<K, V>(
  context: ClientContext,
  topic: string,
  options: CheckedReadOptions,
): AsyncGenerator<ConsumerRecord<K, V>, void, undefined> {
  const scope = new ReadScope(options.signal)
  const { slice } = context
  try {
    const streams = await planStreams<K, V>(context, topic, options, scope.signal)
    for (const stream of streams) {
      while (await stream.fill()) {
        for (let record = stream.next(); record !== undefined; record = stream.next()) {
          yield record
          scope.check()
          if (slice.step()) await slice.turn()
        }
      }
    }
    if (options.follow) yield* follow(streams, scope, slice)
  } catch (error) {
    throw scope.told(error, `Reading topic '${topic}'`)
  } finally {
    scope.end()
  }
}
