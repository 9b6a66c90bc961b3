import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRICE, raceKeys } from '../measures/race.ts'
import type { Command } from '../process.ts'
import type { Place, Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { pythonHome, pythonProgram } from './python.ts'

const PACKAGE = 'litellm[proxy]'
const VERSION = '1.106.2'

/** It refuses to start without one. */
const MASTER_KEY = 'sk-bench-5f1c9d3e7a2b4c6d8e0f1a3b5c7d9e2f'

/** Nothing is written where there is no database. */
export const QUIET = { disable_spend_logs: true }

/** One worker, no database: less than it needs for virtual keys. */
export const litellm: Subject = {
  name: 'litellm',
  describe: () => `LiteLLM proxy ${VERSION} from PyPI, one worker, no database`,
  messages: false,
  prepare: () => void pythonProgram(PACKAGE, VERSION, 'litellm'),
  command: place => litellmCommand(place, configuration(place, { settings: QUIET, prices: {} })),
  headers: () => ({ authorization: `Bearer ${MASTER_KEY}` }),
}

/**
 * LiteLLM whose keys have a budget. Its virtual keys need Postgres, and an engine of Prisma's that no package registry
 * has; keys of its custom auth pass the same checks and the same reservations in the memory of its one process. What
 * ended calls have spent is forgotten then, which takes nothing from a race in which no call ends before all are decided.
 */
export function litellmWith(of: {
  readonly name: string
  readonly what: string
  readonly settings: Readonly<Record<string, unknown>>
}): Subject {
  return {
    ...litellm,
    name: of.name,
    describe: () => `LiteLLM proxy ${VERSION} from PyPI, ${of.what}`,
    only: 'race',
    command: place => {
      writeFileSync(join(place.directory, 'bench_auth.py'), AUTH)
      const settings = {
        ...QUIET,
        custom_auth: 'bench_auth.user_api_key_auth',
        custom_auth_run_common_checks: true,
        ...of.settings,
      }
      const prices = { input_cost_per_token: PRICE.input / 1e6, output_cost_per_token: PRICE.output / 1e6 }
      return litellmCommand(place, configuration(place, { settings, prices }))
    },
  }
}

const CAPS = JSON.stringify(Object.fromEntries(raceKeys().map(({ secret, capDollars }) => [secret, capDollars])))

const AUTH = `
import hashlib
from litellm.proxy._types import UserAPIKeyAuth

CAPS = ${CAPS}

async def user_api_key_auth(request, api_key):
    token = hashlib.sha256(api_key.encode()).hexdigest()
    return UserAPIKeyAuth(api_key=api_key, token=token, max_budget=CAPS.get(api_key), spend=0.0)
`

function configuration(
  { upstreamPort }: Place,
  { settings, prices }: { readonly settings: object; readonly prices: object },
): object {
  return {
    model_list: [modelAt(MODEL.openai, `http://127.0.0.1:${upstreamPort}/v1`, prices)],
    litellm_settings: { telemetry: false, num_retries: 0 },
    general_settings: settings,
  }
}

/** A deployment of a name that callers ask for. */
export function modelAt(name: string, base: string, more: object = {}): object {
  return {
    model_name: name,
    litellm_params: { model: 'openai/mock-model', api_base: base, api_key: 'sk-mock', ...more },
  }
}

export function litellmCommand({ port, directory }: Place, configuration: object): Command {
  const file = join(directory, 'litellm.yaml')
  writeFileSync(file, JSON.stringify(configuration))
  const program = join(pythonHome(PACKAGE, VERSION), 'bin', 'litellm')
  const where = ['--host', '127.0.0.1', '--port', String(port), '--num_workers', '1']
  return {
    argv: [program, '--config', file, ...where],
    env: {
      LITELLM_LOG: 'ERROR',
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      LITELLM_MODE: 'PRODUCTION',
      LITELLM_MASTER_KEY: MASTER_KEY,
    },
    cwd: directory,
  }
}
