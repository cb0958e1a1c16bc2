import type { AdminApi } from '../api/admin_api.ts'
import { ProblemError } from '../api/problem.ts'
import { countOf } from './words.ts'

/** The maximum of the counted sessions. */
const MAX_COUNTED = 100

/**
 * Counts the live sessions of a user or a client, before an action ends them.
 *
 * @returns such as `3 sessions`, or `at least 100 sessions`; `its sessions` for a service account that cannot read them
 */
export async function countLiveSessions(
  api: AdminApi,
  owner: { subject: string } | { client_id: string },
): Promise<string> {
  const request = { operation: 'GET /sessions', query: { ...owner, live: true } } as const
  const page = await api.list(request, MAX_COUNTED).catch((error: unknown) => {
    if (error instanceof ProblemError && error.problem.type.endsWith(':scope-missing')) return null
    throw error
  })
  if (page === null) return 'its sessions'
  const { items, next_cursor } = page
  const count = countOf(items.length, 'session', 'sessions')
  return next_cursor === null ? count : `at least ${count}`
}
