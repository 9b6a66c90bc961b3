import type { AdminDependencies } from '../control/dependencies.ts'
import type { AdminFetch } from '../control/handler.ts'

/** The admin API, loaded when it is first asked for: its libraries would take a good part of the start. */
export function openAdmin(dependencies: AdminDependencies): AdminFetch {
  let loading: Promise<AdminFetch> | null = null
  return async (request, address) => {
    loading ??= import('../control/admin.ts').then(({ createAdmin }) => createAdmin(dependencies))
    return (await loading)(request, address)
  }
}
