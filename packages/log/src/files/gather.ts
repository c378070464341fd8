/** A copy costs less than the system's look at one more buffer up to about this size (measured on Node 20). */
const SMALL_BYTES = 4096
const ROOM_BYTES = 256 * 1024
const ROOMS_MAX = 4

const rooms: Buffer[] = []

/** Buffers as the system is handed them, and what to do when the call has ended, well or not. */
export interface Gathered {
  readonly buffers: readonly Buffer[]
  release(): void
}

/** Many small buffers become one, in memory that is used again; anything else stays as it is. */
export function gather(buffers: readonly Buffer[]): Gathered {
  let size = 0
  for (const buffer of buffers) size += buffer.length
  if (buffers.length < 4 || size > ROOM_BYTES || size > buffers.length * SMALL_BYTES)
    return { buffers, release: () => undefined }
  const room = rooms.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES)
  let at = 0
  for (const buffer of buffers) {
    room.set(buffer, at)
    at += buffer.length
  }
  return {
    buffers: [room.subarray(0, at)],
    release() {
      if (rooms.length < ROOMS_MAX) rooms.push(room)
    },
  }
}
