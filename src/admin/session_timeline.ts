import { describeEnding } from '@sallyport/formats/session_ending'
import * as z from 'zod/mini'
import { eventSchema, findNames, showEvent } from './audit.ts'
import { maskOperators } from './mask_operators.ts'
import { type Operation, operation } from './operation.ts'
import { named } from './schemas.ts'
import { findSessionEnd, sessionEndSchema } from './session_end.ts'
import { findOwners, ownerOf, sessionSchema, showSession } from './session_view.ts'
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
    const known = await requireReadableSession(params.sid ?? '', call)
    const owners = await findOwners([known], services)
    const session = showSession(known, owners, call)
    const { sid, subject, clientId } = ownerOf(known)
    const lifetime = {
      from: session.started_at,
      to: session.ended_at ?? Math.min(session.expires_at, context.now),
    }
    const found = await services.auditTrail.listTimeline({ sid, subject, clientId }, lifetime, MAX_EVENTS + 1)
    const events = await maskOperators(found.slice(0, MAX_EVENTS), call)
    const names = await findNames(events, call)
    const ended = findSessionEnd(session, events)
    const end = ended && { ...ended, actor_name: names.get(ended.actor ?? '') ?? null }
    return {
      body: {
        // A revocation of the user or client does not change the row of a session.
        session: { ...session, ...(end && { ended_at: end.at, end_reason: end.reason }) },
        truncated: found.length > MAX_EVENTS,
        end,
        ending: describeEnding(session, end, { subject: 'The session' }),
        events: events.map((event) => showEvent(event, names)),
      },
    }
  },
})

export const TIMELINE_OPERATIONS: readonly Operation[] = [readSessionTimeline]
