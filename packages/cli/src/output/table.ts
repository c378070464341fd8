import stringWidth from 'string-width'
import { escapeText } from './escape.ts'

/** `12`, `1,234`, and what stands for none. */
function isNumber(cell: string | number): boolean {
  return typeof cell === 'number' || /^(-|-?\d[\d,]*)$/.test(cell)
}

/** Columns that fit their widest cell; numbers to the right. Cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map(row => row.map(cell => escapeText(String(cell))))]
  const widths = head.map((_, column) => Math.max(...cells.map(row => stringWidth(row[column] ?? ''))))
  const right = head.map((_, column) => rows.length > 0 && rows.every(row => isNumber(row[column] ?? '')))
  return cells
    .map(row => {
      const line = row.map((cell, column) => {
        const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell)))
        return right[column] === true ? space + cell : cell + space
      })
      return `${line.join('  ').trimEnd()}\n`
    })
    .join('')
}

/** `1.5 MB`, in powers of 1,000. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let n = bytes
  for (; n >= 999.5 && unit < units.length - 1; unit++) n /= 1000
  return `${n < 9.95 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${units[unit] ?? ''}`
}

/** `12,345`. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 record`, `2,000 records`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}
