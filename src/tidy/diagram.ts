import { ARROWS, EVERYWHERE } from './arrows.ts'

/** The map of the rooms in Mermaid, as ARCHITECTURE.md shows it. */
export function diagram(): string {
  const everywhere: readonly string[] = EVERYWHERE
  const arrows = Object.entries(ARROWS)
    .filter(([room]) => room !== 'tidy' && !everywhere.includes(room))
    .flatMap(([room, targets]) =>
      targets.length > 0 ? targets.map(target => `  ${room} --> ${target}`) : [`  ${room}`],
    )
  return ['```mermaid', 'graph TD', ...arrows, '```'].join('\n')
}

const BEGIN = '<!-- arrows: begin -->'
const END = '<!-- arrows: end -->'

/** A document with the block between its two markers replaced by the diagram. */
export function withDiagram(document: string): string {
  const begin = document.indexOf(BEGIN)
  const end = document.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`expected a block between ${BEGIN} and ${END}`)
  return `${document.slice(0, begin + BEGIN.length)}\n${diagram()}\n${document.slice(end)}`
}
