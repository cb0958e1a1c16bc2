import type { Child } from 'hono/jsx'
import * as z from 'zod/mini'
import { eventSchema } from '../admin/audit.ts'
import { sessionSchema } from '../admin/session_view.ts'
import { consentsSchema } from '../admin/user_consents.ts'
import { factorsSchema } from '../admin/user_factors.ts'
import { supportSchema } from '../admin/user_support.ts'
import { confirmInRow } from './action_form.tsx'
import { type AdminClient, formatQuery, pathOf } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import type { ShownConsent } from './consents.tsx'
import { endOf } from './end_session.ts'
import { EventTable, type ShownEvent } from './events.tsx'
import { formatCount } from './format.ts'
import { isUnknown, Origin } from './origin.tsx'
import { Badge, Empty, LastRefresh, Link, Moment, MomentOr, Section } from './parts.tsx'
import type { ShownFactor } from './second_factors.tsx'
import { ClientLink, TimelineLink } from './subject.tsx'
import { Table } from './table.tsx'

type ShownSession = z.output<typeof sessionSchema>

/** A page of sessions. */
export const sessionsSchema = z.object({ items: z.array(sessionSchema) })
const eventsSchema = z.object({ items: z.array(eventSchema) })

/** The maximum number of sessions, and of events, on the page of a user. */
const SHOWN = 10

/** The data by which support helps a user. */
export interface SupportView extends z.output<typeof supportSchema> {
  /** Whether an unlock has an effect. */
  canUnlock: boolean
  /** The newest live sessions. */
  sessions: readonly ShownSession[]
  /** The newest events. */
  events: readonly ShownEvent[]
  /** The valid consents, newest first. */
  consents: readonly ShownConsent[]
  factors: readonly ShownFactor[]
}

/**
 * Loads the data of a user for support; null if a store is down, because an operator must be able to end sessions then.
 *
 * @throws AdminProblem
 */
export async function loadSupport(admin: AdminClient, id: string): Promise<SupportView | null> {
  try {
    return await readSupport(admin, id)
  } catch (error) {
    if (error instanceof AdminProblem && error.status === 503) return null
    throw error
  }
}

async function readSupport(admin: AdminClient, id: string): Promise<SupportView> {
  const [support, sessions, events, consents, factors] = await Promise.all([
    admin.read(pathOf`/users/${id}/support`, supportSchema),
    admin.read('/sessions', sessionsSchema, { subject: id, live: 'true', limit: SHOWN }),
    admin.read('/audit', eventsSchema, { subject: id, limit: SHOWN }),
    admin.read(pathOf`/users/${id}/consents`, consentsSchema),
    admin.read(pathOf`/users/${id}/factors`, factorsSchema),
  ])
  const canUnlock = support.locked_until !== null || support.failures > 0
  const valid = consents.items.filter(({ withdrawn_at: withdrawnAt }) => withdrawnAt === null)
  const shown = { sessions: sessions.items, events: events.items, consents: valid, factors: factors.items }
  return { ...support, canUnlock, ...shown }
}

/** The sign-ins and the lock of a user, for the list of facts. */
export function supportFacts(
  support: SupportView | null,
  now: number,
): readonly (readonly [string, Child])[] {
  if (support === null) return []
  const { last_sign_in_at: lastSignIn, failed_sign_ins_today: failed, locked_until: lockedUntil } = support
  return [
    ['Last sign-in', <MomentOr at={lastSignIn} now={now} none="None recorded" />],
    ['Failed sign-ins today', formatCount(failed)],
    [
      'Locked until',
      lockedUntil === null ? (
        <span class="soft">Not locked</span>
      ) : (
        <>
          <Badge tone="warn">Locked</Badge> <Moment at={lockedUntil} />
        </>
      ),
    ],
  ]
}

interface LiveSessionsProps {
  support: SupportView
  userId: string
  csrf: string
  now: number
  mayEnd: boolean
  /** The session of the operator who reads the page. */
  ownSid: string
}

/** The newest live sessions of a user, each with an action that ends it. */
export function LiveSessions({ support, userId, csrf, now, mayEnd, ownSid }: LiveSessionsProps) {
  const all = <Link to={`/sessions${formatQuery({ subject: userId })}`}>All sessions</Link>
  const page = pathOf`/users/${userId}`
  return (
    <Section id="live-sessions" title={`Live sessions (${formatCount(support.live_sessions)})`} aside={all}>
      {support.sessions.length === 0 ? (
        <Empty title="No live session">
          {support.last_sign_in_at === null
            ? 'No sign-in of the user is recorded.'
            : 'The user is signed out on every device.'}
        </Empty>
      ) : (
        <Table
          caption="Live sessions of the user, newest first"
          columns={['Started', 'Device', 'Client', 'Last refresh', 'Session', ...(mayEnd ? [''] : [])]}
          rows={support.sessions.map((session) => {
            const cells = [
              <>
                <Moment at={session.started_at} />
                {session.sid === ownSid ? <span class="under">This session</span> : null}
              </>,
              isUnknown(session) ? null : <Origin device={session.device} country={session.country} />,
              <ClientLink id={session.client_id} name={session.client_name} />,
              <LastRefresh session={session} now={now} />,
              <TimelineLink sid={session.sid} />,
            ]
            const action = pathOf`/users/${userId}/sessions/${session.sid}/end`
            return mayEnd ? confirmInRow(cells, endOf(session, { csrf, page, action })) : cells
          })}
        />
      )}
      <Newest shown={support.sessions.length} total={support.live_sessions} />
    </Section>
  )
}

/** The number of shown sessions, if the user has more. */
function Newest({ shown, total }: { shown: number; total: number }) {
  if (shown === 0 || shown >= total) return null
  return (
    <p class="soft">
      The newest {formatCount(shown)} of {formatCount(total)}.
    </p>
  )
}

/** The newest events of a user. */
export function RecentEvents({ support, userId }: { support: SupportView; userId: string }) {
  const all = <Link to={`/audit${formatQuery({ subject: userId })}`}>All events</Link>
  return (
    <Section id="recent-events" title="Recent events" aside={all}>
      {support.events.length === 0 ? (
        <Empty title="No events">The audit trail has no event of the user.</Empty>
      ) : (
        <EventTable caption="Events of the user, newest first" events={support.events} isOfOneUser />
      )}
    </Section>
  )
}
