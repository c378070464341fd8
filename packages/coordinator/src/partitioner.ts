/** `String.hashCode()` of Java, over UTF-16 code units, as an int32. */
export function javaHash(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

const INT32_MIN = -(2 ** 31)

/** The partition of `__consumer_offsets` that holds a group (Kafka's `Utils.abs(hash) % n`, where the abs of the smallest int is 0). */
export function groupPartition(group: string, partitions: number): number {
  const hash = javaHash(group)
  return (hash === INT32_MIN ? 0 : Math.abs(hash)) % partitions
}
