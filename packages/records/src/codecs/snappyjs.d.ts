declare module 'snappyjs' {
  /** Compresses to one raw block. */
  export function compress(bytes: Uint8Array): Uint8Array
}
