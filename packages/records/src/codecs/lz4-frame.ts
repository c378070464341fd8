import { corruptData } from './errors.ts'

/*
 * An LZ4 frame, little-endian:
 *
 *   magic                uint32  0x184D2204; 0x184D2A50 to 5F: a frame to skip, its size follows as uint32
 *   FLG                  bits 6-7 version 1, 5 independent blocks, 4 block checksums, 3 content size, 2 content checksum, 0 dictionary
 *   BD                   bits 4-6 code of the largest block
 *   content size         uint64, if FLG says so
 *   header checksum      the second byte of xxh32 over FLG to here
 *   blocks               uint32 size (top bit: stored as it is), bytes, xxh32 of these bytes if FLG says so
 *   end mark             uint32 0
 *   content checksum     xxh32 of what comes out, if FLG says so
 *
 * Source: lz4/lz4, doc/lz4_Frame_format.md.
 */

export const LZ4_MAGIC = 0x184d2204
/** The largest block by BD's code. */
export const BLOCK_BYTES_MAX_CODES: Readonly<Record<number, number>> = {
  4: 64 * 1024,
  5: 256 * 1024,
  6: 1024 * 1024,
  7: 4 * 1024 * 1024,
}

const INDEPENDENT = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const RESERVED = 0x02
const DICTIONARY = 0x01

/** xxh32 with seed 0, unsigned. */
export type XxHash32 = (bytes: Uint8Array) => number

/** One block of a frame, as a range of the compressed bytes. Only valid during the call that it is handed to. */
export interface Lz4Block {
  at: number
  end: number
  /** Not compressed: the bytes are the content. */
  stored: boolean
  independent: boolean
  /** The most that a block of this frame may hold. */
  maxBytes: number
  /** Bytes of this frame that came out before. */
  frameSize: number
}

export interface Lz4Visitor {
  /** Returns how many bytes the block holds. */
  block(block: Lz4Block): number
  /** The last `size` bytes that came out, for the content checksum; without it, that is not checked. */
  content?(size: number): Buffer
}

/** Walks over all frames of `bytes`, checks what they say about themselves, and hands over their blocks. */
export class FrameWalker {
  private readonly bytes: Buffer
  private readonly hash: XxHash32
  private at = 0

  constructor(bytes: Buffer, hash: XxHash32) {
    this.bytes = bytes
    this.hash = hash
  }

  /** @throws `CORRUPT_MESSAGE`, and whatever the visitor throws */
  walk(visitor: Lz4Visitor): void {
    do {
      const start = this.at
      const magic = this.uint32()
      if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) this.skip(this.uint32())
      else if (magic === LZ4_MAGIC) this.frame(visitor)
      else throw corruptData('lz4', 'no frame begins', { position: start })
    } while (this.at < this.bytes.length)
  }

  private frame(visitor: Lz4Visitor): void {
    const start = this.at
    const flags = this.byte()
    const maxBytes = BLOCK_BYTES_MAX_CODES[this.byte() >>> 4]
    if (flags >>> 6 !== 1 || (flags & RESERVED) !== 0 || maxBytes === undefined) {
      throw corruptData('lz4', 'a frame has an unknown version or block size', { position: start })
    }
    if ((flags & DICTIONARY) !== 0)
      throw corruptData('lz4', 'a frame needs a dictionary', { position: start })
    const contentSize = (flags & CONTENT_SIZE) === 0 ? undefined : this.uint32() + this.uint32() * 2 ** 32
    const checksum = (this.hash(this.bytes.subarray(start, this.at)) >>> 8) & 0xff
    if (this.byte() !== checksum)
      throw corruptData('lz4', "a frame header's checksum differs", { position: start })

    const frameSize = this.blocks(visitor, { maxBytes, flags })
    if (contentSize !== undefined && contentSize !== frameSize) {
      throw corruptData('lz4', `a frame holds ${frameSize} bytes where it says ${contentSize}`, {
        position: start,
      })
    }
    if ((flags & CONTENT_CHECKSUM) === 0) return
    const wanted = this.uint32()
    if (visitor.content !== undefined && this.hash(visitor.content(frameSize)) !== wanted) {
      throw corruptData('lz4', "a frame's content checksum differs", { position: start })
    }
  }

  private blocks(visitor: Lz4Visitor, frame: { maxBytes: number; flags: number }): number {
    const independent = (frame.flags & INDEPENDENT) !== 0
    const block: Lz4Block = {
      at: 0,
      end: 0,
      stored: false,
      independent,
      maxBytes: frame.maxBytes,
      frameSize: 0,
    }
    for (;;) {
      const field = this.uint32()
      if (field === 0) return block.frameSize
      block.stored = field >= 0x8000_0000
      const size = field & 0x7fff_ffff
      block.at = this.at
      this.skip(size)
      block.end = this.at
      if ((frame.flags & BLOCK_CHECKSUM) !== 0) {
        const found = this.hash(this.bytes.subarray(block.at, block.end))
        if (this.uint32() !== found)
          throw corruptData('lz4', "a block's checksum differs", { position: block.at })
      }
      const contentSize = visitor.block(block)
      if (contentSize > frame.maxBytes) {
        throw corruptData('lz4', `a block holds more than its frame's ${frame.maxBytes} bytes`, {
          position: block.at,
        })
      }
      block.frameSize += contentSize
    }
  }

  private skip(size: number): void {
    if (size > this.bytes.length - this.at) throw this.cutShort()
    this.at += size
  }

  private byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw this.cutShort()
    return byte
  }

  private uint32(): number {
    if (this.bytes.length - this.at < 4) throw this.cutShort()
    this.at += 4
    return this.bytes.readUInt32LE(this.at - 4)
  }

  private cutShort(): Error {
    return corruptData('lz4', 'a frame is cut short', { position: this.at })
  }
}
