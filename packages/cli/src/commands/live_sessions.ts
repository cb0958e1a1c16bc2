import type { AdminApi } from '../api/admin_api.ts'
import { ProblemError } from '../api/problem.ts'
import { countOf } from './words.ts'

/**
 * Counts the live sessions of a user or a client, before an action ends them.
 *
 * @returns such as `3 sessions`. It is `all sessions` if a store is down, because an operator must be able to end sessions then;
 *   `its sessions` for a service account that cannot read them
 */
export async function countLiveSessions(
  api: AdminApi,
  owner: { subject: string } | { client_id: string },
): Promise<string> {
  const query = { ...owner, live: true, limit: 1 }
  try {
    const { total, total_is_exact: isExact } = await api.read({ operation: 'GET /sessions', query })
    if (total === null) return 'all sessions'
    return `${isExact ? '' : 'at least '}${countOf(total, 'session', 'sessions')}`
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.status === 503) return 'all sessions'
    if (error.problem.type.endsWith(':scope-missing')) return 'its sessions'
    throw error
  }
}
