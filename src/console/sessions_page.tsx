import * as z from 'zod/mini'
import { sessionSchema } from '../admin/session_view.ts'
import { usersSchema } from '../admin/user_schemas.ts'
import { type AdminClient, formatQuery, pathOf } from './admin_client.ts'
import type { Form } from './form.ts'
import type { Page } from './page.ts'
import { Badge, Empty, Heading, Link, Moment, MomentOr, Pager, Table } from './parts.tsx'
import type { ShownUser } from './people_page.tsx'
import { SearchForm } from './search_form.tsx'
import { Subject } from './subject.tsx'

export type ShownSession = z.output<typeof sessionSchema>

const sessionsSchema = z.object({ items: z.array(sessionSchema), next_cursor: z.nullable(z.string()) })

/** What the first field of the search came to. */
interface Search {
  subject: string
  /** Those who have that username, where it is not one. */
  people: readonly ShownUser[]
}

/** Sessions of a person or a client. */
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
          <Heading title="Sessions" lead="What one sign-in became: on one device, until it ends." />
          <SearchForm
            action="/sessions"
            query={query}
            texts={[
              { name: 'subject', label: 'Username or id' },
              { name: 'client_id', label: 'Client id' },
            ]}
          />
          {search.people.length > 1 ? <WhichPerson people={search.people} /> : null}
          {search.people.length > 1
            ? null
            : await listSessions(admin, { query, subject: search.subject, now })}
        </>
      ),
    }
  },
}

/** An id as it is, and a username as whose it is. */
async function findSubject(admin: AdminClient, query: Form): Promise<Search> {
  const typed = query.text('subject').trim()
  if (typed === '' || /^(?:user|visitor):/.test(typed)) return { subject: typed, people: [] }
  const { items } = await admin.read('/users', usersSchema, { q: typed, limit: 20 })
  const people = items.filter(({ username }) => username === typed.toLowerCase())
  const [only] = people
  return { subject: people.length === 1 && only ? only.id : typed, people }
}

function WhichPerson({ people }: { people: readonly ShownUser[] }) {
  return (
    <div class="note plain">
      <p>Several people have that username, each in a pool of their own:</p>
      <ul>
        {people.map(({ id, username, pool }) => (
          <li>
            <Link to={`/sessions${formatQuery({ subject: id })}`}>
              {username} of {pool}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}

async function listSessions(
  admin: AdminClient,
  { query, subject, now }: { query: Form; subject: string; now: number },
) {
  const filter = { subject, client_id: query.text('client_id').trim() }
  if (filter.subject === '' && filter.client_id === '') {
    return <Empty title="Whose sessions?">Name a person or guest, a client, or both.</Empty>
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
        <Empty title="No session is known">
          Nobody has signed in so, or it is longer ago than the audit trail is kept.
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
      caption="Sessions, newest first. Times are in UTC"
      columns={['Began (UTC)', 'State', 'Client', 'Whose', 'Refreshed', 'Last refresh', 'Session']}
      rows={sessions.map((session) => [
        <Moment at={session.started_at} />,
        <SessionState state={session.state} />,
        <Link to={pathOf`/clients/${session.client_id}`}>{session.client_id}</Link>,
        <Subject id={session.subject} />,
        `${session.refreshes}×`,
        <MomentOr at={session.last_refreshed_at} now={now} none="Never" />,
        <Link to={pathOf`/sessions/${session.sid}`}>Its story</Link>,
      ])}
    />
  )
}

const STATES = {
  live: ['good', 'Live'],
  ended: ['bad', 'Ended'],
  cut_off: ['bad', 'Cut off'],
  expired: ['plain', 'Expired'],
} as const

export function SessionState({ state }: { state: ShownSession['state'] }) {
  const [tone, word] = STATES[state]
  return <Badge tone={tone}>{word}</Badge>
}
