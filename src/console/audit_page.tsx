import * as z from 'zod/mini'
import { eventSchema } from '../admin/audit.ts'
import { AUDIT_KINDS } from '../audit/audit_event.ts'
import { compact } from '../lib/compact.ts'
import type { Form } from '../pages/form.ts'
import { formatQuery } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import { EventTable, KIND_TITLES, type ShownEvent } from './events.tsx'
import { parseTime } from './format.ts'
import type { Page, PageRequest } from './page.ts'
import { Empty, Heading, Pager, ProblemNote } from './parts.tsx'
import { SearchForm } from './search_form.tsx'
import { findSubject, UserChoice } from './subject_search.tsx'
import type { ShownUser } from './users_page.tsx'

export const eventsSchema = z.object({ items: z.array(eventSchema), next_cursor: z.nullable(z.string()) })

const ANY = { value: '', label: 'Any' }
const FILTERS = [
  {
    name: 'kind',
    label: 'Event',
    options: [ANY, ...AUDIT_KINDS.map((value) => ({ value, label: KIND_TITLES[value] }))],
  },
  {
    name: 'outcome',
    label: 'Outcome',
    options: [ANY, { value: 'ok', label: 'Succeeded' }, { value: 'refused', label: 'Refused' }],
  },
  {
    name: 'by_operator',
    label: 'Actor',
    options: [ANY, { value: 'true', label: 'Operators' }, { value: 'false', label: 'Others' }],
  },
]
const TEXTS = [
  { name: 'subject', label: 'User (name or id)' },
  { name: 'client_id', label: 'Client id' },
  { name: 'sid', label: 'Session id' },
  { name: 'actor', label: 'Operator (id)' },
  { name: 'from', label: 'From (UTC)', type: 'datetime-local' },
  { name: 'to', label: 'Before (UTC)', type: 'datetime-local' },
] as const

/** The search in the audit trail. */
export const auditPage: Page = {
  method: 'GET',
  path: '/audit',
  role: 'support',
  async handle(request) {
    const { query } = request
    const found = await findEvents(request)
    const problem = found instanceof AdminProblem ? found : null
    return compact({
      title: 'Audit',
      status: problem === null ? undefined : problem.status,
      body: (
        <>
          <Heading
            title="Audit"
            lead="Events with their reasons, newest first. The audit trail contains ids only."
          />
          <SearchForm action="/audit" query={query} texts={TEXTS} filters={FILTERS} />
          {found instanceof AdminProblem ? (
            <ProblemNote problem={found} fields={TEXTS} />
          ) : 'users' in found ? (
            <UserChoice users={found.users} path="/audit" filter={filterOf(query)} />
          ) : (
            <Events events={found.items} next={found.next_cursor} query={query} />
          )}
        </>
      ),
    })
  },
}

function Events({
  events,
  next,
  query,
}: {
  events: readonly ShownEvent[]
  next: string | null
  query: Form
}) {
  const filter = filterOf(query)
  return (
    <>
      {events.length === 0 ? (
        <Empty title="No events found">Use fewer filters or a different time.</Empty>
      ) : (
        <EventTable events={events} caption="Events, newest first" />
      )}
      <Pager
        next={next === null ? null : `/audit${formatQuery({ ...filter, cursor: next })}`}
        isFirst={query.text('cursor') === ''}
        first={`/audit${formatQuery(filter)}`}
      />
    </>
  )
}

function filterOf(query: Form): Record<string, string> {
  return Object.fromEntries([...TEXTS, ...FILTERS].map(({ name }) => [name, query.text(name)]))
}

/** Events, or the users with the same name, or a refusal. */
type Found = z.output<typeof eventsSchema> | { users: readonly ShownUser[] } | AdminProblem

/** Finds events. If the API refuses the query, the form shows a message instead of an error page. */
async function findEvents({ admin, query }: PageRequest): Promise<Found> {
  const texts = ['client_id', 'sid', 'actor', 'kind', 'outcome', 'by_operator', 'cursor']
  const filter = Object.fromEntries(texts.map((name) => [name, query.text(name).trim()]))
  const times = { from: parseTime(query.text('from')), to: parseTime(query.text('to')) }
  try {
    const { subject, users } = await findSubject(admin, query)
    if (users.length > 1) return { users }
    return await admin.read('/audit', eventsSchema, { ...filter, ...times, subject })
  } catch (error) {
    if (error instanceof AdminProblem && error.status === 400) return error
    throw error
  }
}
