import { sep } from 'node:path'

/** How a file system treats names. */
export interface MemNames {
  /** The parts of a path below the root. */
  split(path: string): string[]
  /** What two names of one file have in common. */
  key(name: string): string
  /** The system's name of what is wrong with a new name; undefined when it is fine. */
  fault(name: string): 'EINVAL' | 'ENAMETOOLONG' | undefined
}

const NAME_BYTES_MAX = 255
/** Devices that Windows finds in every folder, whatever the extension. */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i
// eslint-disable-next-line no-control-regex -- these are the characters that Windows refuses
const refused = /[<>:"|?*\u0000-\u001f]|[. ]$/

export function memNames(kind: { caseInsensitive: boolean; windows: boolean }): MemNames {
  const separator = kind.windows || sep === '\\' ? /[\\/]+/ : /\/+/
  return {
    split: path => {
      const parts: string[] = []
      for (const part of path.split(separator)) {
        if (part === '..') parts.pop()
        else if (part !== '' && part !== '.' && !(kind.windows && /^[a-z]:$/i.test(part))) parts.push(part)
      }
      return parts
    },
    key: name => (kind.caseInsensitive ? name.normalize('NFC').toLowerCase() : name),
    fault: name => {
      if (name.includes('\0')) return 'EINVAL'
      if (Buffer.byteLength(name) > NAME_BYTES_MAX) return 'ENAMETOOLONG'
      return kind.windows && (reserved.test(name) || refused.test(name)) ? 'EINVAL' : undefined
    },
  }
}
