import { type ShownSession, sessionsSchema } from '../admin/session_view.ts'
import type { EndReason } from '../sessions/session.ts'
import type { AdminClient, Query } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import { readList, showList, sortsOf } from './list.tsx'
import { firstPageOf, type ListAddress, readListAddress } from './list_address.ts'
import { isUnknown, Origin } from './origin.tsx'
import type { Page } from './page.ts'
import { Empty, Heading, LastRefresh, Moment } from './parts.tsx'
import type { Filter } from './search_form.tsx'
import { ClientLink, Subject, TimelineLink } from './subject.tsx'
import { findSubject, UnknownUser, UserChoice } from './subject_search.tsx'
import { Table } from './table.tsx'
import { type State, StateBadge } from './tones.tsx'

const FILTERS: readonly Filter[] = [
  { name: 'subject', label: 'User', placeholder: 'Name or id' },
  { name: 'client_id', label: 'Client id' },
]

/** The newest live sessions, or the sessions of a user or a client. */
export const sessionsPage: Page = {
  method: 'GET',
  path: '/sessions',
  role: 'support',
  async handle({ admin, query, now }) {
    const owner = { subject: query.text('subject').trim(), client_id: query.text('client_id').trim() }
    const filter = { ...owner, live: query.text('live') }
    const address = readListAddress(query, { path: '/sessions', filter, defaultSort: '-started' })
    const { subject, users, isUnknown: hasWrongName } = await findSubject(admin, owner.subject)
    const isChoice = users.length > 1
    const request = { ...address, filter: { ...filter, subject } }
    const hasOwner = Object.values(owner).some((id) => id !== '')
    const isLive = filter.live === 'true' || (filter.live === '' && !hasOwner)
    const page = isChoice ? null : await readSessions(admin, request)
    const name = subject === '' ? null : nameOf(page, subject)
    const title = name === null ? 'Sessions' : `Sessions of ${name}`
    return showList(title, <Heading title={title} lead={LEAD} />, {
      address,
      query: name === null ? query : query.with({ subject: name }),
      filters: FILTERS,
      note: isChoice ? (
        <UserChoice users={users} path="/sessions" filter={filter} />
      ) : (
        <States address={address} isLive={isLive} />
      ),
      page,
      empty: hasWrongName ? (
        <UnknownUser />
      ) : (
        <NoSessions isLive={isLive} isFirst={address.cursor === ''} page={page} />
      ),
      table: (sessions) => <SessionTable sessions={sessions} address={address} now={now} />,
    })
  },
}

const LEAD = 'A session starts at a sign-in on one device.'

/** The maximum number of pages without a live session that one request reads. */
const MAX_EMPTY_PAGES = 5

/** Reads a page of sessions. It continues after pages that have no live session. */
async function readSessions(admin: AdminClient, address: ListAddress & { filter: Query }) {
  let page = await readList(admin, address, sessionsSchema)
  const isBackwards = address.edge !== null && 'last' in address.edge
  for (let i = 1; i < MAX_EMPTY_PAGES && !(page instanceof AdminProblem); i++) {
    const cursor = isBackwards ? page.previous_cursor : page.next_cursor
    if (page.items.length > 0 || cursor === null) return page
    page = await readList(admin, { ...address, cursor }, sessionsSchema)
  }
  return page
}

type ReadPage = Awaited<ReturnType<typeof readSessions>>

/** The name of the user of the shown sessions. If no session is shown, or the user is a guest, it is the id. */
function nameOf(page: ReadPage | null, subject: string): string {
  const [first] = page === null || page instanceof AdminProblem ? [] : page.items
  return first?.subject_name ?? subject
}

/** Links to the live sessions and to all sessions of the list. */
function States({ address, isLive }: { address: ListAddress; isLive: boolean }) {
  const tabs = [
    ['true', 'Live', isLive],
    ['false', 'All', !isLive],
  ] as const
  return (
    <nav class="tabs" aria-label="State">
      {tabs.map(([live, name, isCurrent]) => (
        <a
          class="tab"
          href={CONSOLE_PATH + firstPageOf({ ...address, filter: { ...address.filter, live } })}
          {...(isCurrent ? { 'aria-current': 'true' } : {})}
        >
          {name}
        </a>
      ))}
    </nav>
  )
}

interface NoSessionsProps {
  isLive: boolean
  isFirst: boolean
  page: ReadPage | null
}

function NoSessions({ isLive, isFirst, page }: NoSessionsProps) {
  if (!isLive) {
    return (
      <Empty title="No sessions found">
        The user or client never signed in, the id is wrong, or the audit trail no longer has the sign-in.
      </Empty>
    )
  }
  const hasNext = page !== null && !(page instanceof AdminProblem) && page.next_cursor !== null
  return (
    <Empty title={isFirst && !hasNext ? 'There are no live sessions' : 'No live sessions on this page'}>
      {hasNext
        ? 'Sessions on the next pages can be live.'
        : 'The list “All” also shows sessions that have ended.'}
    </Empty>
  )
}

interface SessionTableProps {
  sessions: readonly ShownSession[]
  address: ListAddress
  now: number
}

function SessionTable({ sessions, address, now }: SessionTableProps) {
  return (
    <Table
      caption="Sessions"
      columns={['Started', 'State', 'Client', 'User', 'Device', 'Refreshes', 'Last refresh', 'Session']}
      sorts={sortsOf(address, { Started: '-started' })}
      rows={sessions.map((session) => [
        <Moment at={session.started_at} />,
        <StateBadge state={stateOf(session)} />,
        <ClientLink id={session.client_id} name={session.client_name} />,
        <Subject id={session.subject} name={session.subject_name} />,
        isUnknown(session) ? null : <Origin device={session.device} country={session.country} />,
        `${session.refreshes}×`,
        <LastRefresh session={session} now={now} />,
        <TimelineLink sid={session.sid} />,
      ])}
    />
  )
}

const THEFTS: ReadonlySet<string | null> = new Set<EndReason>([
  'replayed refresh token',
  'replayed authorization code',
])

/** The state of a session for its badge. */
export function stateOf({ state, end_reason: reason }: Pick<ShownSession, 'state' | 'end_reason'>): State {
  if (THEFTS.has(reason)) return 'theft'
  return state === 'cut_off' ? 'revoked' : state
}
