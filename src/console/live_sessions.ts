import * as z from 'zod/mini'
import type { AdminClient, Query } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import { formatCount, pluralOf } from './format.ts'

const totalSchema = z.object({ total: z.nullable(z.int()), total_is_exact: z.boolean() })

/**
 * The number of live sessions of a user or a client as words, such as `3 sessions`. The words are `all sessions` if a store is
 * down, because an operator must be able to end sessions then.
 */
export async function countLiveSessions(admin: AdminClient, owner: Query): Promise<string> {
  try {
    const query = { ...owner, live: 'true', limit: 1 }
    const { total, total_is_exact: isExact } = await admin.read('/sessions', totalSchema, query)
    if (total === null) return 'all sessions'
    return `${isExact ? '' : 'at least '}${formatCount(total)} ${pluralOf(total, 'session')}`
  } catch (error) {
    if (error instanceof AdminProblem && error.status === 503) return 'all sessions'
    throw error
  }
}
