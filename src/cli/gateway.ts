import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { CommandFailure, WRONG_USAGE } from './failure.ts'

const DEFAULT_URL = 'http://127.0.0.1:4000'
const DEFAULT_DATA = './penstock-data'
const TIMEOUT_MS = 30_000
export const UNAUTHORISED = 401

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

/** An admin token, and where it was found: whoever is refused must know which one to mend. */
export interface FoundToken {
  readonly token: string
  readonly source: string
}

/** The admin token: of the environment, else of the data directory; null when there is none. */
export async function findAdminToken(options: GatewayOptions): Promise<FoundToken | null> {
  const { adminTokenOf, SECRET_RULE } = await import('../app/configuration/secret.ts')
  const ofEnvironment = adminTokenOf(process.env)
  // The file's token instead would act on a gateway that was not meant.
  if (ofEnvironment === false) {
    throw new CommandFailure(`PENSTOCK_ADMIN_TOKEN cannot be a token: expected ${SECRET_RULE}`, WRONG_USAGE)
  }
  if (ofEnvironment !== null) return { token: ofEnvironment, source: 'PENSTOCK_ADMIN_TOKEN' }
  const { adminTokenFile, readAdminToken } = await import('../app/discovery/adminToken.ts')
  const source = adminTokenFile(options.data)
  try {
    const token = readAdminToken(options.data)
    return token === null ? null : { token, source }
  } catch (error) {
    throw new CommandFailure(`the admin token cannot be read: ${(error as Error).message}`)
  }
}

/** Asks the admin API; fails with a sentence when there is no token, a wrong one, or no gateway. */
export async function askAdmin(
  options: GatewayOptions,
  path: string,
  request: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const found = await findAdminToken(options)
  if (found === null) {
    const file = join(options.data, 'admin-token')
    throw new CommandFailure(`no admin token: expected one in PENSTOCK_ADMIN_TOKEN or in ${file} (--data)`)
  }
  const answer = await ask(options.url, `/admin/v1/${path}`, { ...request, secret: found.token })
  if (answer.status !== UNAUTHORISED) return answer
  throw new CommandFailure(`the gateway at ${options.url} does not take the admin token of ${found.source}`)
}

/** Asks a gateway. */
export async function ask(
  url: string,
  path: string,
  request: { readonly method?: string; readonly body?: unknown; readonly secret: string },
): Promise<Answer> {
  const { method = 'GET', body, secret } = request
  const target = addressOf(url, path)
  let status: number
  let text: string
  try {
    const response = await fetch(target, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    })
    status = response.status
    text = await response.text()
  } catch (error) {
    throw new CommandFailure(`no gateway answers at ${url}: ${reasonOf(error)}`)
  }
  try {
    return { status, body: text === '' ? null : JSON.parse(text) }
  } catch {
    throw new CommandFailure(`${target} answered ${status} with something that is not JSON: is it a Penstock?`)
  }
}

/** A gateway may stand behind a prefix, so what the URL has of a path stays. */
function addressOf(url: string, path: string): string {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new CommandFailure(`--url ${url}: expected a URL such as ${DEFAULT_URL}`, WRONG_USAGE)
  }
  return `${url.replace(/\/+$/, '')}${path}`
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
