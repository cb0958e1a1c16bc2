import * as z from 'zod/mini'
import type { StoredAuditEvent } from '../audit/audit_query_store.ts'
import { named } from './schemas.ts'
import type { ShownSession } from './session_view.ts'

/** The event that ended a session before its expiry. */
export const sessionEndSchema = named(
  'SessionEnd',
  z.strictObject({
    at: z.int(),
    reason: z.string(),
    /** The operator who ended the session. */
    actor: z.nullable(z.string()),
    actor_name: z.nullable(z.string()),
  }),
)
export type SessionEnd = Omit<z.output<typeof sessionEndSchema>, 'actor_name'>

/** The kinds of events of a live session. */
const USES: ReadonlySet<string> = new Set(['issue', 'refresh', 'retry'])
const ENDS: ReadonlySet<string> = new Set(['cut_off', 'revoke', 'theft', 'merge'])

/**
 * The event that ended a session: the first such event after the last use of the session. Null if the session is live or
 * expired, or if the audit trail no longer has the event.
 *
 * @param events The timeline, oldest first.
 */
export function findSessionEnd(
  session: ShownSession,
  events: readonly StoredAuditEvent[],
): SessionEnd | null {
  if (session.state === 'live' || session.state === 'expired') return null
  const done = events.filter(({ outcome }) => outcome === 'ok')
  const lastUse = done.findLastIndex(({ kind }) => USES.has(kind))
  const event = done.slice(lastUse + 1).find(({ kind }) => ENDS.has(kind))
  const { ended_at: endedAt, end_reason: endReason } = session
  if (!event) return endedAt === null ? null : { at: endedAt, reason: endReason ?? '', actor: null }
  const { at, kind, reason, actor } = event
  // The row of the session has a reason if the event ended only this session, not all sessions of its user or client.
  return { at, reason: kind === 'cut_off' ? reason : (endReason ?? reason), actor }
}
