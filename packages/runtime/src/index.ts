export type {
  Admin,
  BuiltInSerdes,
  Consumer,
  ConsumerBatch,
  ConsumerOptions,
  ConsumerRecord,
  Deserialized,
  GroupDescription,
  HeaderInput,
  Isolation,
  JsonValue,
  Position,
  PositionRange,
  Producer,
  ProducerOptions,
  ReadOptions,
  RecordInput,
  RecordMetadata,
  ReplayOptions,
  Serde,
  SerdeName,
  SerdeOption,
  Serializable,
  TopicDescription,
  VarveClient,
} from '@varve/client'
export {
  json,
  murmur2,
  parseDuration,
  parsePosition,
  parseRange,
  parseSize,
  partitionOfKey,
} from '@varve/client'
export { isVarveError, VarveError, type ErrorContext, type Logger, type LogMethod } from '@varve/platform'
export type { Flaw, FlawKind, InspectionItem, VerifyProgress, VerifySummary } from '@varve/log'
export { inspect, verify, type InspectOptions, type VerifyOptions } from './inspection.ts'
export type { OpenOptions, OpenProgress } from './open-options.ts'
export { Varve } from './varve.ts'
