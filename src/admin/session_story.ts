import * as z from 'zod/mini'
import { eventSchema, showEvent } from './audit.ts'
import { type Operation, operation } from './operation.ts'
import { named } from './schemas.ts'
import { describeEnding, findSessionEnd, sessionEndSchema } from './session_end.ts'
import { findOwners, ownerOf, sessionSchema, showSession } from './session_view.ts'
import { requireSession } from './sessions.ts'

/** More than a session that is refreshed every hour leaves in the days that the trail is kept. */
const MAX_EVENTS = 2500

export const storySchema = named(
  'SessionStory',
  z.strictObject({
    session: sessionSchema,
    /** Whether it is more than is told here. */
    truncated: z.boolean(),
    /** What ended it; null where it lives, expired, or the trail has forgotten. */
    end: z.nullable(sessionEndSchema),
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
  response: storySchema,
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
    const end = findSessionEnd(session, events)
    return {
      body: {
        // A session that was cut off has no end of its own: its row, if there is one, stays as it is.
        session: { ...session, ...(end && { ended_at: end.at, end_reason: end.reason }) },
        truncated: told.length > MAX_EVENTS,
        end,
        ending: describeEnding(session, end),
        events: events.map(showEvent),
      },
    }
  },
})

export const STORY_OPERATIONS: readonly Operation[] = [readSessionStory]
