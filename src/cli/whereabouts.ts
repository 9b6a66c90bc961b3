import { join } from 'node:path'
import { CommandFailure, WRONG_USAGE } from './failure.ts'

export const DEFAULT_URL = 'http://127.0.0.1:4000'
export const DEFAULT_DATA = './penstock-data'

/** How every command that talks to a gateway is told which. */
export interface GatewayOptions {
  /** `--url` or PENSTOCK_URL. */
  readonly url?: string
  readonly data?: string
  readonly key?: string
}

/** An admin token, and where it was found: whoever is refused must know which one to mend. */
export interface FoundToken {
  readonly token: string
  readonly source: string
}

/** A gateway that a command may ask. */
export interface FoundGateway {
  readonly url: string
  /** @throws CommandFailure when what should be the token cannot be one */
  adminToken(): Promise<FoundToken | null>
  /** Where an admin token was looked for, as the end of a sentence. */
  readonly tokenPlaces: string
}

interface Configured {
  readonly path: string
  readonly url: string | null
  readonly adminToken: string | null
  readonly dataDirectory: string | null
}

/**
 * The gateway of `--url` or PENSTOCK_URL; else that of the configuration that `serve` would read here, with its own
 * token and data; else the one that listens when nothing is configured.
 */
export async function findGateway(options: GatewayOptions): Promise<FoundGateway> {
  // A gateway that was named need not be the configured one, and a token is not for others.
  const configured = options.url === undefined ? await readConfigured() : null
  const data = options.data ?? configured?.dataDirectory ?? DEFAULT_DATA
  const ofFile = configured ? `, in ${configured.path}` : ''
  return {
    url: options.url ?? configured?.url ?? DEFAULT_URL,
    tokenPlaces: `in PENSTOCK_ADMIN_TOKEN${ofFile} or in ${join(data, 'admin-token')} (--data)`,
    async adminToken() {
      const ofConfiguration = configured?.adminToken ? { token: configured.adminToken, source: configured.path } : null
      // A directory that was named says more than a file that happens to be here.
      const [first, second] =
        options.data === undefined
          ? [() => ofConfiguration, () => tokenOfDirectory(data)]
          : [() => tokenOfDirectory(data), () => ofConfiguration]
      return (await tokenOfEnvironment()) ?? (await first()) ?? (await second())
    },
  }
}

async function readConfigured(): Promise<Configured | null> {
  const { findConfigurationFile } = await import('../app/configuration/file.ts')
  const path = findConfigurationFile({ asked: undefined, env: process.env, workingDirectory: process.cwd() })
  if (path === null) return null
  const { readWhereabouts } = await import('../app/configuration/whereabouts.ts')
  const { urlOnThisMachine } = await import('../app/discovery/firstKey.ts')
  try {
    const { listen, adminToken, dataDirectory } = readWhereabouts({ path, env: process.env })
    if (listen?.port === 0) throw new Error(`${path}: listen leaves the port to the system`)
    return { path, url: listen && urlOnThisMachine(listen), adminToken, dataDirectory }
  } catch (error) {
    throw new CommandFailure(`${(error as Error).message}. Name the gateway with --url or PENSTOCK_URL`, WRONG_USAGE)
  }
}

async function tokenOfEnvironment(): Promise<FoundToken | null> {
  const { adminTokenOf, SECRET_RULE } = await import('../app/configuration/secret.ts')
  const token = adminTokenOf(process.env)
  // Another token instead would act on a gateway that was not meant.
  if (token === false) {
    throw new CommandFailure(`PENSTOCK_ADMIN_TOKEN cannot be a token: expected ${SECRET_RULE}`, WRONG_USAGE)
  }
  return token === null ? null : { token, source: 'PENSTOCK_ADMIN_TOKEN' }
}

async function tokenOfDirectory(data: string): Promise<FoundToken | null> {
  const { adminTokenFile, readAdminToken } = await import('../app/discovery/adminToken.ts')
  try {
    const token = readAdminToken(data)
    return token === null ? null : { token, source: adminTokenFile(data) }
  } catch (error) {
    throw new CommandFailure(`the admin token cannot be read: ${(error as Error).message}`)
  }
}
