import type { TopicConfigRule } from './topic-configs.ts'

/** `*`, or `partition:broker`, as replication throttles are written. */
const THROTTLED_REPLICA = /^(?:\*|\d+:\d+)$/

/** The ranges are those of Kafka's `LogConfig` (4.3). */
export const TOPIC_CONFIG_RULES: Readonly<Record<string, TopicConfigRule>> = {
  'cleanup.policy': {
    oneOf: ['compact', 'delete'],
    doc: 'What happens to old segments: delete drops them by age and size, compact keeps the newest record of each key. Both may be given; an empty list keeps everything.',
  },
  'compression.gzip.level': {
    min: -1,
    max: 9,
    except: [0],
    doc: 'The level of gzip when the topic recompresses: 1 (fast) to 9 (small), -1 for the default of the library.',
  },
  'compression.lz4.level': {
    min: 1,
    max: 17,
    doc: 'The level of lz4 when the topic recompresses.',
  },
  'compression.type': {
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    doc: 'How batches are stored. producer keeps what was sent; the others recompress what came in another way.',
  },
  'compression.zstd.level': {
    min: -131072,
    max: 22,
    doc: 'The level of zstd when the topic recompresses.',
  },
  'delete.retention.ms': {
    min: 0,
    doc: 'How long compaction keeps tombstones: within this time a reader that starts at offset 0 must reach the end to see every deletion.',
  },
  'file.delete.delay.ms': {
    min: 0,
    doc: 'How long a deleted segment stays on disk under another name, for reads that still use it.',
  },
  'flush.messages': {
    min: 1,
    doc: 'After how many records the log is synced. At 1 a record is acknowledged when it is on disk; above, when the operating system has it.',
  },
  'flush.ms': {
    min: 0,
    doc: 'The longest time that a record waits for a sync in the background.',
  },
  'follower.replication.throttled.replicas': {
    pattern: THROTTLED_REPLICA,
    doc: 'Replicas whose replication is throttled on the side of the follower, as partition:broker, or * for all.',
  },
  'index.interval.bytes': {
    min: 0,
    doc: 'How many bytes of log lie between two entries of the offset index.',
  },
  'leader.replication.throttled.replicas': {
    pattern: THROTTLED_REPLICA,
    doc: 'Replicas whose replication is throttled on the side of the leader, as partition:broker, or * for all.',
  },
  'local.retention.bytes': {
    min: -2,
    doc: 'The size of a partition that is kept on local disk when older segments are in remote storage; -2 takes retention.bytes.',
  },
  'local.retention.ms': {
    min: -2,
    doc: 'How long segments stay on local disk when they are in remote storage; -2 takes retention.ms.',
  },
  'max.compaction.lag.ms': {
    min: 1,
    doc: 'The longest time that a record may stay without being compacted.',
  },
  'max.message.bytes': {
    min: 0,
    doc: 'The largest batch that is accepted, after compression.',
  },
  'message.timestamp.after.max.ms': {
    min: 0,
    doc: "How far a record's timestamp may lie in the future of the clock.",
  },
  'message.timestamp.before.max.ms': {
    min: 0,
    doc: "How far a record's timestamp may lie in the past of the clock.",
  },
  'message.timestamp.type': {
    oneOf: ['CreateTime', 'LogAppendTime'],
    doc: 'Whether records carry the time the producer gave or the time they were appended.',
  },
  'min.cleanable.dirty.ratio': {
    min: 0,
    max: 1,
    doc: 'The share of a compacted log that must be new before it is compacted again.',
  },
  'min.compaction.lag.ms': {
    min: 0,
    doc: 'The shortest time that a record stays without being compacted.',
  },
  'min.insync.replicas': {
    min: 1,
    doc: 'How many replicas must have a record before acks=all is answered. A single node has one.',
  },
  preallocate: {
    doc: 'Whether a new segment is given its full size on disk at once.',
  },
  'remote.log.copy.disable': {
    doc: 'Whether no more segments are copied to remote storage.',
  },
  'remote.log.delete.on.disable': {
    doc: 'Whether segments in remote storage are deleted when remote storage is switched off.',
  },
  'remote.storage.enable': {
    doc: 'Whether closed segments are copied to remote storage.',
  },
  'retention.bytes': {
    doc: 'The size of a partition above which its oldest segments are deleted; -1 for no limit.',
  },
  'retention.ms': {
    min: -1,
    doc: 'The age, by record timestamp, above which segments are deleted; -1 for no limit.',
  },
  'segment.bytes': {
    min: 1_048_576,
    doc: 'The size at which a segment is closed and the next one begun.',
  },
  'segment.index.bytes': {
    min: 4,
    doc: 'The largest size of an offset or time index; a full one closes the segment.',
  },
  'segment.jitter.ms': {
    min: 0,
    doc: 'The largest random time that is taken off segment.ms, so that segments do not roll all at once.',
  },
  'segment.ms': {
    min: 1,
    doc: 'The age at which a segment is closed even when it is not full.',
  },
  'unclean.leader.election.enable': {
    doc: 'Whether a replica that lacks acknowledged records may become leader when no other is left.',
  },
}
