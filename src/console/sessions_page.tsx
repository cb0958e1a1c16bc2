import * as z from 'zod/mini'
import { sessionSchema } from '../admin/session_view.ts'
import type { Form } from '../pages/form.ts'
import type { EndReason } from '../sessions/session.ts'
import { type AdminClient, formatQuery, pathOf } from './admin_client.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, Moment, MomentOr, Pager, Table } from './parts.tsx'
import { SearchForm } from './search_form.tsx'
import { Subject } from './subject.tsx'
import { findSubject, UserChoice } from './subject_search.tsx'
import { type State, StateBadge } from './tones.tsx'

export type ShownSession = z.output<typeof sessionSchema>

const sessionsSchema = z.object({ items: z.array(sessionSchema), next_cursor: z.nullable(z.string()) })

/** Sessions of a user or a client. */
export const sessionsPage: Page = {
  method: 'GET',
  path: '/sessions',
  role: 'support',
  async handle({ admin, query, now }) {
    const search = await findSubject(admin, query)
    return {
      title: 'Sessions',
      body: (
        <>
          <Heading title="Sessions" lead="A session starts at a sign-in on one device." />
          <SearchForm
            action="/sessions"
            query={query}
            texts={[
              { name: 'subject', label: 'User (name or id)' },
              { name: 'client_id', label: 'Client id' },
            ]}
          />
          {search.users.length > 1 ? <UserChoice users={search.users} path="/sessions" /> : null}
          {search.users.length > 1
            ? null
            : await listSessions(admin, { query, subject: search.subject, now })}
        </>
      ),
    }
  },
}

async function listSessions(
  admin: AdminClient,
  { query, subject, now }: { query: Form; subject: string; now: number },
) {
  const filter = { subject, client_id: query.text('client_id').trim() }
  if (filter.subject === '' && filter.client_id === '') {
    return <Empty title="Enter search terms">Enter a user, a guest or a client.</Empty>
  }
  const cursor = query.text('cursor')
  const { items, next_cursor: nextCursor } = await admin.read('/sessions', sessionsSchema, {
    ...filter,
    cursor,
  })
  const next = nextCursor === null ? null : `/sessions${formatQuery({ ...filter, cursor: nextCursor })}`
  return (
    <>
      {items.length === 0 ? (
        <Empty title="No sessions found">
          The user or client has no sign-in, or the audit trail no longer has the sign-in.
        </Empty>
      ) : (
        <SessionTable sessions={items} now={now} />
      )}
      <Pager next={next} isFirst={cursor === ''} first={`/sessions${formatQuery(filter)}`} />
    </>
  )
}

function SessionTable({ sessions, now }: { sessions: readonly ShownSession[]; now: number }) {
  return (
    <Table
      caption="Sessions, newest first"
      columns={['Started', 'State', 'Client', 'User', 'Refreshes', 'Last refresh', 'Session']}
      rows={sessions.map((session) => [
        <Moment at={session.started_at} />,
        <StateBadge state={stateOf(session)} />,
        <Link to={pathOf`/clients/${session.client_id}`}>{session.client_id}</Link>,
        <Subject id={session.subject} />,
        `${session.refreshes}×`,
        <MomentOr at={session.last_refreshed_at} now={now} none="Never" />,
        <Link to={pathOf`/sessions/${session.sid}`}>Timeline</Link>,
      ])}
    />
  )
}

const THEFT: EndReason = 'replayed refresh token'

/** The state of a session for its badge. */
export function stateOf({ state, end_reason: reason }: Pick<ShownSession, 'state' | 'end_reason'>): State {
  if (reason === THEFT) return 'theft'
  return state === 'cut_off' ? 'revoked' : state
}
