declare module 'snappyjs' {
  /** Compresses to one raw block. */
  export function compress(bytes: Uint8Array): Uint8Array
  /** Decompresses one raw block; not used, since it takes blocks that hold less than they say. */
  export function uncompress(bytes: Uint8Array, maxLength?: number): Uint8Array
}
