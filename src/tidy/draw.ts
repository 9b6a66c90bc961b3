import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withDiagram } from './diagram.ts'
import { ROOT } from './house.ts'

const file = join(ROOT, 'ARCHITECTURE.md')
writeFileSync(file, withDiagram(readFileSync(file, 'utf8')))
