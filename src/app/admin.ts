import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AdminDependencies } from '../control/dependencies.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * The admin API, loaded when it is first asked for: its libraries would take a good part of the start.
 */
export function openAdmin(dependencies: AdminDependencies): Handler {
  let loading: Promise<Handler> | null = null
  return (request, response) => {
    loading ??= import('../control/admin.ts').then(({ createAdmin }) => createAdmin(dependencies))
    loading.then(
      handle => handle(request, response),
      error => response.destroy(error as Error),
    )
  }
}
