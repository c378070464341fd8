import { join } from 'node:path'
import type { Vfs } from '@varve/platform'
import { readText, replaceFile } from './checkpoint-file.ts'

/*
 * `partition.metadata`: `version: 0`, a line break, `topic_id: <base64url>` without a line break at the end.
 * Source: apache/kafka, org.apache.kafka.storage.internals.checkpoint.PartitionMetadataFile.
 */

export const PARTITION_METADATA_FILE = 'partition.metadata'

const CONTENT = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\n?$/

/** The topic id (22 characters of base64url); `undefined` where the file is missing or incomplete. */
export async function readPartitionMetadata(vfs: Vfs, folder: string): Promise<string | undefined> {
  return parsePartitionMetadata((await readText(vfs, join(folder, PARTITION_METADATA_FILE))) ?? '')
}

/** The topic id in a file's text; `undefined` where it is incomplete. */
export function parsePartitionMetadata(text: string): string | undefined {
  return CONTENT.exec(text)?.[1]
}

export async function writePartitionMetadata(vfs: Vfs, folder: string, topicId: string): Promise<void> {
  await replaceFile(vfs, join(folder, PARTITION_METADATA_FILE), `version: 0\ntopic_id: ${topicId}`)
}
