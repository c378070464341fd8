import { TOPIC_CONFIG_ROWS } from './generated/topic-configs.ts'

export interface TopicConfigRow {
  readonly name: string
  readonly type: 'BOOLEAN' | 'DOUBLE' | 'INT' | 'LIST' | 'LONG' | 'STRING'
  readonly default: string
  /** The broker's settings that stand behind the topic's own. */
  readonly synonyms: readonly string[]
}
export const topicConfigs = TOPIC_CONFIG_ROWS
