import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type ReadOptions, readTrace } from '../traces/read.ts'
import { type Trace, TraceError } from '../traces/trace.ts'

/** An unpacked trace may have this many bytes. */
const MOST_TRACE_BYTES = 2 ** 31
const unpack = promisify(gunzip)

async function readUnpacked(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new TraceError(null, `${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await unpack(bytes, { maxOutputLength: MOST_TRACE_BYTES })
  } catch (error) {
    throw new TraceError(
      null,
      `${path}: expected a whole gzip file: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** ServeGen keeps lengths beside rates: `pool_lengths.jsonl.gz` beside `pool_rates.csv.gz`. */
async function lengthsBeside(path: string): Promise<Uint8Array | undefined> {
  const name = basename(path)
  if (!name.includes('_rates')) return undefined
  const stem = join(dirname(path), name.slice(0, name.indexOf('_rates')))
  for (const end of ['_lengths.jsonl.gz', '_lengths.jsonl']) {
    try {
      return await readUnpacked(stem + end)
    } catch {
      // The next name may be the one.
    }
  }
  return undefined
}

/**
 * Reads a trace from a file, packed with gzip or not; its format is recognised by its content.
 *
 * @throws TraceError naming the file, the line where there is one, and what was expected
 */
export async function loadTrace(
  path: string,
  options: ReadOptions & { readonly lengthsPath?: string } = {},
): Promise<Trace> {
  const bytes = await readUnpacked(path)
  const { lengthsPath } = options
  const lengths = lengthsPath === undefined ? await lengthsBeside(path) : await readUnpacked(lengthsPath)
  try {
    return readTrace(bytes, lengths ? { ...options, lengths } : options)
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    throw new TraceError(null, `${path}: ${error.message}`)
  }
}
