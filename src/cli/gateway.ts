import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { CommandFailure } from './failure.ts'

const DEFAULT_URL = 'http://127.0.0.1:4000'
const DEFAULT_DATA = './penstock-data'
const TIMEOUT_MS = 30_000

/** How every command that talks to a gateway is told which. */
export interface GatewayOptions {
  readonly url: string
  readonly data: string
  readonly key?: string
}

/** What came back, read as JSON where it is. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Adds the options that name a gateway and its admin token. */
export function withGateway(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'of the gateway').env('PENSTOCK_URL').default(DEFAULT_URL))
    .option('--data <dir>', 'where the gateway keeps its admin token; PENSTOCK_ADMIN_TOKEN wins', DEFAULT_DATA)
}

/** The admin token: of the environment, else of the data directory; null when there is none. */
export async function findAdminToken(options: GatewayOptions): Promise<string | null> {
  const { adminTokenOf } = await import('../app/configuration/secret.ts')
  const ofEnvironment = adminTokenOf(process.env)
  if (ofEnvironment !== null && ofEnvironment !== false) return ofEnvironment
  const { readAdminToken } = await import('../app/discovery/adminToken.ts')
  return readAdminToken(options.data)
}

/** Asks the admin API; fails with a sentence when there is no token or no gateway. */
export async function askAdmin(
  options: GatewayOptions,
  path: string,
  request: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const token = await findAdminToken(options)
  if (token === null) {
    const file = join(options.data, 'admin-token')
    throw new CommandFailure(`no admin token: expected one in PENSTOCK_ADMIN_TOKEN or in ${file} (--data)`)
  }
  return ask(options.url, `/admin/v1/${path}`, { ...request, secret: token })
}

/** Asks a gateway. */
export async function ask(
  url: string,
  path: string,
  request: { readonly method?: string; readonly body?: unknown; readonly secret: string },
): Promise<Answer> {
  const { method = 'GET', body, secret } = request
  let response: Response
  try {
    response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    })
  } catch (error) {
    throw new CommandFailure(`no gateway answers at ${url}: ${reasonOf(error)}`)
  }
  const text = await response.text()
  try {
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  } catch {
    throw new CommandFailure(
      `${url}${path} answered ${response.status} with something that is not JSON: is it a Penstock?`,
    )
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.message || cause?.code || message
}

/** The answer's body when it is one of these statuses; else the server's own sentence ends the command. */
export function expectStatus(answer: Answer, ...statuses: readonly number[]): unknown {
  if (statuses.includes(answer.status)) return answer.body
  const { error } = (answer.body ?? {}) as {
    error?: { message?: string; faults?: { place: string; message: string }[] }
  }
  const faults = (error?.faults ?? []).map(fault => `\n  ${fault.place}: ${fault.message}`).join('')
  throw new CommandFailure(`${error?.message ?? `the gateway answered ${answer.status}`}${faults}`)
}
