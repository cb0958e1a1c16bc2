import { describeEnding } from '@sallyport/formats/session_ending'
import * as z from 'zod/mini'
import type { StoredAuditEvent } from '../audit/stored_event.ts'
import type { Names } from '../users/name_store.ts'
import { eventSchema, findNames, showEvent } from './audit.ts'
import { maskOperators } from './mask_operators.ts'
import { type Operation, operation } from './operation.ts'
import { viewerOf } from './permissions.ts'
import { named } from './schemas.ts'
import { describeSession, periodOf, sessionEndSchema } from './session_end.ts'
import { type ShownSession, sessionSchema } from './session_view.ts'
import { requireReadableSession } from './sessions.ts'

/** The most events of a timeline. A session with hourly refreshes has fewer within the retention of the audit trail. */
const MAX_EVENTS = 2500

export const timelineSchema = named(
  'SessionTimeline',
  z.strictObject({
    session: sessionSchema,
    /** Whether the timeline has more events than listed. */
    truncated: z.boolean(),
    /** The event that ended the session; null if it is live or expired, or if the audit trail no longer has the event. */
    end: z.nullable(sessionEndSchema),
    /** The state, or the reason of the end, as a sentence. */
    ending: z.string(),
    events: z.array(eventSchema),
  }),
)

const readSessionTimeline = operation({
  id: 'readSessionTimeline',
  method: 'GET',
  path: '/sessions/{sid}/timeline',
  summary: 'Returns the timeline of a session: sign-in, refreshes, retries, revocations, end and reason',
  tag: 'sessions',
  role: 'support',
  scope: 'sessions:read',
  status: 200,
  response: timelineSchema,
  async handle(call) {
    const { params, services, context } = call
    const { session, event } = await describeSession(
      await requireReadableSession(params.sid ?? '', call),
      viewerOf(call),
    )
    const period = { ...periodOf(session, context.now), from: session.started_at }
    const found = await services.sessionEvents.listTimeline(period, MAX_EVENTS + 1)
    const events = await maskOperators(withEnd(found.slice(0, MAX_EVENTS), event), call)
    const names = await findNames(events, call)
    const end = endOf(session, events.find(({ id }) => id === event?.id) ?? null, names)
    return {
      body: {
        session,
        truncated: found.length > MAX_EVENTS,
        end,
        ending: describeEnding(session, end, { subject: 'The session' }),
        events: events.map((event) => showEvent(event, names)),
      },
    }
  },
})

/** The events with the event that ended the session. The event of a signing key is not among the events of the session. */
function withEnd(
  found: readonly StoredAuditEvent[],
  end: StoredAuditEvent | null,
): readonly StoredAuditEvent[] {
  if (end === null || found.some(({ id }) => id === end.id)) return found
  return [...found, end].sort((a, b) => a.at - b.at || a.id - b.id)
}

/** @param event The event that ended the session; null if the audit trail has no such event. */
function endOf(
  { ended_at: at, end_reason: reason }: ShownSession,
  event: StoredAuditEvent | null,
  names: Names,
) {
  if (at === null) return null
  const actor = event?.actor ?? null
  return { at, reason: reason ?? '', actor, actor_name: names.get(actor ?? '') ?? null }
}

export const TIMELINE_OPERATIONS: readonly Operation[] = [readSessionTimeline]
