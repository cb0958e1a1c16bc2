import { countOf } from '../core/count.ts'
import type { AdminApi } from './admin_api.ts'
import { ProblemError } from './problem.ts'

/** The live sessions of a user or a client. */
export interface LiveSessions {
  /** Null if it is unknown or only a lower bound. */
  count: number | null
  /**
   * Such as `3 sessions`. It is `all sessions` if a store is down, because an operator must be able to end sessions then;
   * `its sessions` for a service account that cannot read them.
   */
  text: string
}

/** Counts the live sessions of a user or a client, before an action ends them. @throws as `AdminApi.ask` */
export async function countLiveSessions(
  api: AdminApi,
  owner: { subject: string } | { client_id: string },
): Promise<LiveSessions> {
  const query = { ...owner, live: true, limit: 1 }
  try {
    const { total, total_is_exact: isExact } = await api.read({ operation: 'GET /sessions', query })
    if (total === null) return { count: null, text: 'all sessions' }
    const text = countOf(total, 'session', 'sessions')
    return isExact ? { count: total, text } : { count: null, text: `at least ${text}` }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.status === 503) return { count: null, text: 'all sessions' }
    if (error.problem.type.endsWith(':scope-missing')) return { count: null, text: 'its sessions' }
    throw error
  }
}
