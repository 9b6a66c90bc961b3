import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ARROWS } from './arrows.ts'
import { withDiagram } from './diagram.ts'
import { ROOT } from './house.ts'

const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')

it('ARCHITECTURE.md shows the arrows as they are (npm run architecture draws them anew)', () => {
  const document = read('ARCHITECTURE.md')
  expect(withDiagram(document)).toBe(document)
})

it('ARCHITECTURE.md says of every room what it does', () => {
  const document = read('ARCHITECTURE.md')
  const untold = Object.keys(ARROWS).filter(room => !document.includes(`| \`${room}\` |`))
  expect(untold).toEqual([])
})

it('no document or lock file names a host of a package registry', () => {
  const named = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'GLOSSARY.md',
    'package-lock.json',
  ].filter(name => /registry\.npmjs|"resolved": "http/.test(read(name)))
  expect(named).toEqual([])
})
