import { expect, it } from 'vitest'
import { parseSize } from './size.ts'

it.each([
  ['200KB', 200_000],
  ['512MB', 512_000_000],
  ['1.5GB', 1_500_000_000],
  ['0.001KB', 1],
  ['0MB', 0],
  [' 1KB ', 1_000],
])('a size of %s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))

it.each(['', '512', 'MB', '512mb', '512 MB', '512MiB', '-1MB', '1e3KB', '1.2345KB', '1,5GB', '1TB', '5B'])(
  '%j is no size',
  text => expect(parseSize(text)).toBeNull(),
)
