import type { ProblemItem } from './inspection-items.ts'
import type { PartitionPlan } from './partition-plan.ts'

export function placeOf({ topic, partition }: PartitionPlan): {
  topic: string | null
  partition: number | null
} {
  return topic === '' ? { topic: null, partition: null } : { topic, partition }
}

export function problemOf(
  plan: PartitionPlan,
  path: string,
  position: number | null,
  message: string,
): ProblemItem {
  return { type: 'problem', ...placeOf(plan), path, position, message }
}
