import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { pythonHome, pythonProgram } from './python.ts'

const PACKAGE = 'litellm[proxy]'
const VERSION = '1.106.2'

/** It refuses to start without one. */
const MASTER_KEY = 'sk-bench-5f1c9d3e7a2b4c6d8e0f1a3b5c7d9e2f'

/** One worker, no database: less than it needs for budgets. */
export const litellm: Subject = {
  name: 'litellm',
  describe: () => `LiteLLM proxy ${VERSION} from PyPI, one worker, no database`,
  messages: false,
  prepare: () => void pythonProgram(PACKAGE, VERSION, 'litellm'),
  command: ({ port, upstreamPort, directory }) => {
    const file = join(directory, 'litellm.yaml')
    writeFileSync(
      file,
      `
model_list:
  - model_name: ${MODEL.openai}
    litellm_params: { model: openai/mock-model, api_base: "http://127.0.0.1:${upstreamPort}/v1", api_key: sk-mock }
litellm_settings: { telemetry: false, num_retries: 0 }
general_settings: { disable_spend_logs: true }
`,
    )
    const binaries = join(pythonHome(PACKAGE, VERSION), 'bin')
    return {
      argv: [
        join(binaries, 'litellm'),
        '--config',
        file,
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
        '--num_workers',
        '1',
      ],
      env: {
        LITELLM_LOG: 'ERROR',
        LITELLM_LOCAL_MODEL_COST_MAP: 'True',
        LITELLM_MODE: 'PRODUCTION',
        LITELLM_MASTER_KEY: MASTER_KEY,
      },
      cwd: directory,
    }
  },
  headers: () => ({ authorization: `Bearer ${MASTER_KEY}` }),
}
