/*
 * `.kafka_cleanshutdown`: JSON, `{"version":0,"brokerEpoch":n}`; the file alone says that the directory was closed in
 * order. Source: apache/kafka, org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler.
 */

export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'

/**
 * Varve's marker ends with a line break, Kafka's does not: so Varve knows whether Kafka was here since.
 *
 * The broker epoch of an old marker is kept: the controller compares it on the next registration.
 */
export function formatCleanShutdown(brokerEpoch: number): string {
  return `${JSON.stringify({ version: 0, brokerEpoch })}\n`
}

/** Whether a marker was written by Varve. */
export function isVarveMarker(text: string): boolean {
  return text.endsWith('\n')
}

/** The epoch that a marker holds, -1 where it holds none. */
export function brokerEpochOf(text: string): number {
  try {
    const { brokerEpoch } = (JSON.parse(text) ?? {}) as { brokerEpoch?: unknown }
    return typeof brokerEpoch === 'number' && Number.isSafeInteger(brokerEpoch) ? brokerEpoch : -1
  } catch {
    return -1
  }
}
