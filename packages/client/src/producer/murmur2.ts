const SEED = 0x9747b28c
const M = 0x5bd1e995

/**
 * Kafka's murmur2 of `bytes[start..end)`, as a signed int32.
 *
 * Source: apache/kafka, org.apache.kafka.common.utils.Utils.murmur2.
 */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start
  let hash = SEED ^ length
  const words = start + (length & ~3)
  let at = start
  for (; at < words; at += 4) {
    let word =
      byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)
    word = Math.imul(word, M)
    word ^= word >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(word, M)
  }
  const rest = length & 3
  if (rest > 0) {
    if (rest === 3) hash ^= byte(bytes, at + 2) << 16
    if (rest >= 2) hash ^= byte(bytes, at + 1) << 8
    hash = Math.imul(hash ^ byte(bytes, at), M)
  }
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

/** The partition that every Kafka client gives a key: the hash without its sign bit, modulo the partitions. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
