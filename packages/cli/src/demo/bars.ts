import stringWidth from 'string-width'
import { escapeText } from '../output/escape.ts'

export interface Bar {
  label: string
  value: number
  /** What stands behind the bar. */
  text: string
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** One line a bar, to one scale; a value below zero has a light bar. */
export function bars(list: readonly Bar[], { width }: { width: number }): string {
  const most = Math.max(...list.map(bar => Math.abs(bar.value)), Number.MIN_VALUE)
  const labels = list.map(bar => escapeText(bar.label).slice(0, 16))
  const labelWidth = Math.max(...labels.map(label => stringWidth(label)))
  return list
    .map(({ value, text }, index) => {
      const label = labels[index] ?? ''
      const drawn = draw((Math.abs(value) / most) * width, value < 0)
      const space = (used: number, all: number) => ' '.repeat(Math.max(0, all - used))
      return `  ${label}${space(stringWidth(label), labelWidth)}  ${drawn}${space(drawn.length, width)}  ${text}\n`
    })
    .join('')
}

function draw(cells: number, light: boolean): string {
  if (light) return '░'.repeat(Math.round(cells))
  const whole = Math.floor(cells)
  return '█'.repeat(whole) + (EIGHTHS[Math.floor((cells - whole) * 8)] ?? '')
}
