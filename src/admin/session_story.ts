import * as z from 'zod/mini'
import type { StoredAuditEvent } from '../audit/audit_query_store.ts'
import { eventSchema, showEvent } from './audit.ts'
import { type Operation, operation } from './operation.ts'
import { named } from './schemas.ts'
import { findOwners, ownerOf, type ShownSession, sessionSchema, showSession } from './session_view.ts'
import { requireSession } from './sessions.ts'

/** More than a session that is refreshed every hour leaves in the days that the trail is kept. */
const MAX_EVENTS = 2500

const storySchema = named(
  'SessionStory',
  z.strictObject({
    session: sessionSchema,
    /** Whether it is more than is told here. */
    truncated: z.boolean(),
    /** How it stands now, or why it ended, in a sentence. */
    ending: z.string(),
    events: z.array(eventSchema),
  }),
)

const readSessionStory = operation({
  id: 'readSessionStory',
  method: 'GET',
  path: '/sessions/{sid}/story',
  summary: 'The life of a session in order: sign-in, refreshes, retries, cut-offs, its end and why',
  tag: 'sessions',
  role: 'support',
  status: 200,
  answer: storySchema,
  async handle({ params, services, context }) {
    const known = await requireSession(params.sid ?? '', services)
    const owners = await findOwners([known], services, context)
    const session = showSession(known, owners, services, context.now)
    const { sid, subject, clientId } = ownerOf(known)
    const lifetime = {
      from: session.started_at,
      to: session.ended_at ?? Math.min(session.expires_at, context.now),
    }
    const told = await services.auditTrail.listStory({ sid, subject, clientId }, lifetime, MAX_EVENTS + 1)
    const events = told.slice(0, MAX_EVENTS)
    return {
      body: {
        session,
        truncated: told.length > MAX_EVENTS,
        ending: describeEnding(session, events),
        events: events.map(showEvent),
      },
    }
  },
})

export const STORY_OPERATIONS: readonly Operation[] = [readSessionStory]

function describeEnding(session: ShownSession, events: readonly StoredAuditEvent[]): string {
  switch (session.state) {
    case 'live':
      return 'It lives.'
    case 'ended':
      return `It ended: ${session.end_reason}.`
    case 'expired':
      return 'It expired: nobody refreshed it in time, or it had lived as long as it may.'
    case 'cut_off': {
      const cutOff = events.findLast(({ kind }) => kind === 'cut_off')
      return `It was cut off: ${cutOff?.reason ?? 'its person or client was disabled, deleted or signed out'}.`
    }
  }
}
