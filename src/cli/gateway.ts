import { type Command, Option } from 'commander'
import { CommandFailure, FAILED, WRONG_USAGE } from './failure.ts'
import { DEFAULT_DATA, DEFAULT_URL, findGateway, type GatewayOptions } from './whereabouts.ts'

const TIMEOUT_MS = 30_000
const INVALID = 400
const UNAUTHORISED = 401

/** What came back, read as JSON where it is. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Question {
  readonly method?: string
  readonly body?: unknown
  /** Null asks without one. */
  readonly secret: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** For the whole answer. */
  readonly timeoutMs?: number
}

/** Adds the option that names a gateway. */
export function withUrl(command: Command): Command {
  const of = `of the gateway (default: the configuration's, else ${DEFAULT_URL})`
  return command.addOption(new Option('--url <url>', of).env('PENSTOCK_URL'))
}

/** Adds the options that name a gateway and its admin token. */
export function withGateway(command: Command): Command {
  const of = `where the gateway keeps its admin token; PENSTOCK_ADMIN_TOKEN wins (default: the configuration's, else ${DEFAULT_DATA})`
  return withUrl(command).option('--data <dir>', of)
}

/** Lets commands below another one obey options that were given before their names: else they would ask another gateway. */
export function passOptionsOn(parent: Command): void {
  parent.hook('preAction', (_, action) => {
    for (const [name, value] of Object.entries(parent.opts())) {
      const isGiven = parent.getOptionValueSource(name) === 'cli'
      if (isGiven && action !== parent && action.getOptionValueSource(name) !== 'cli')
        action.setOptionValue(name, value)
    }
  })
}

/** Adds the option that asks as a caller. */
export function withKey(command: Command, description: string): Command {
  return command.addOption(new Option('--key <key>', description).env('PENSTOCK_KEY'))
}

/** Asks the admin API; fails with a sentence when there is no token, a wrong one, or no gateway. */
export async function askAdmin(
  options: GatewayOptions,
  path: string,
  request: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const gateway = await findGateway(options)
  const found = await gateway.adminToken()
  if (found === null) throw new CommandFailure(`no admin token: expected one ${gateway.tokenPlaces}`)
  const answer = await ask(gateway.url, `/admin/v1/${path}`, { ...request, secret: found.token })
  if (answer.status !== UNAUTHORISED) return answer
  throw new CommandFailure(`the gateway at ${gateway.url} does not take the admin token of ${found.source}`)
}

/**
 * Asks as the caller when `--key` says so; else as the admin when a token is at hand; else as the caller whose key is in
 * the environment, who is also asked when the token is another gateway's.
 */
export async function askAdminOrCaller(
  options: GatewayOptions,
  command: Command,
  paths: { readonly admin: string; readonly caller: string },
): Promise<Answer> {
  const { key } = options
  const gateway = await findGateway(options)
  const asCaller = (secret: string) => ask(gateway.url, `/v1/${paths.caller}`, { secret })
  if (key && command.getOptionValueSource('key') === 'cli') return asCaller(key)
  const found = await gateway.adminToken()
  if (found === null) {
    if (key) return asCaller(key)
    throw new CommandFailure('neither a key (--key, PENSTOCK_KEY) nor an admin token (--data) is at hand')
  }
  if (!key) return askAdmin(options, paths.admin)
  const answer = await ask(gateway.url, `/admin/v1/${paths.admin}`, { secret: found.token })
  return answer.status === UNAUTHORISED ? asCaller(key) : answer
}

/** Asks a gateway. */
export async function ask(url: string, path: string, question: Question): Promise<Answer> {
  const { method = 'GET', body, secret, headers = {}, timeoutMs = TIMEOUT_MS } = question
  const target = addressOf(url, path)
  let status: number
  let text: string
  try {
    const response = await fetch(target, {
      method,
      headers: {
        ...headers,
        ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
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

interface Problem {
  readonly error?: {
    readonly message?: string
    readonly faults?: readonly { readonly place: string; readonly message: string }[]
  }
}

/** The answer's body when it is one of these statuses; else the server's own sentence ends the command. */
export function expectStatus(answer: Answer, ...statuses: readonly number[]): unknown {
  if (statuses.includes(answer.status)) return answer.body
  const { error } = (answer.body ?? {}) as Problem
  // The message of a fault is made of its faults; a line for each is easier to read.
  const faults = (error?.faults ?? []).map(({ place, message }) => (place ? `${place}: ${message}` : message))
  const sentence = faults.length > 0 ? faults.join('\n') : error?.message
  throw new CommandFailure(
    sentence ?? `the gateway answered ${answer.status}`,
    answer.status === INVALID ? WRONG_USAGE : FAILED,
  )
}
