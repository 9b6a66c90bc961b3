import type { Subject } from '../subject.ts'
import { pythonProgram } from './python.ts'

const SGLANG_VERSION = '0.3.2'
const VLLM_VERSION = '0.1.17'

/** The engines' own routers, written in Rust: they route and relay, and meter nothing. */
export const sglangRouter: Subject = {
  name: 'sglang-router',
  describe: () => `sglang-router ${SGLANG_VERSION} from PyPI (Rust), round robin over one worker`,
  messages: false,
  prepare: () => void pythonProgram('sglang-router', SGLANG_VERSION, 'sglang-router'),
  command: place => ({
    argv: [pythonProgram('sglang-router', SGLANG_VERSION, 'sglang-router'), 'launch', ...routerArguments(place)],
  }),
  headers: () => ({}),
}

export const vllmRouter: Subject = {
  name: 'vllm-router',
  describe: () => `vllm-router ${VLLM_VERSION} from PyPI (Rust), round robin over one worker`,
  messages: false,
  prepare: () => void pythonProgram('vllm-router', VLLM_VERSION, 'vllm-router'),
  command: place => ({ argv: [pythonProgram('vllm-router', VLLM_VERSION, 'vllm-router'), ...routerArguments(place)] }),
  headers: () => ({}),
}

function routerArguments({ port, upstreamPort }: { port: number; upstreamPort: number }): string[] {
  const worker = `http://127.0.0.1:${upstreamPort}`
  const listen = ['--host', '127.0.0.1', '--port', String(port), '--prometheus-port', String(port + 1)]
  return [...listen, '--worker-urls', worker, '--policy', 'round_robin', '--log-level', 'error']
}
