import { EVENT_TITLES } from '@sallyport/formats/event_words'
import type * as z from 'zod/mini'
import { eventsSchema, GRANTS } from '../admin/audit.ts'
import { AUDIT_KINDS } from '../audit/audit_event.ts'
import { AdminProblem } from './admin_problem.ts'
import { EventTable } from './events.tsx'
import { formatTime, parseTime } from './format.ts'
import { readList, showList, sortsOf } from './list.tsx'
import { readListAddress } from './list_address.ts'
import type { Page } from './page.ts'
import { Empty, Heading } from './parts.tsx'
import type { Filter } from './search_form.tsx'
import { formatName } from './statistics_series.ts'
import { findSubject, UnknownUser, UserChoice } from './subject_search.tsx'

const ANY = { value: '', label: 'Any' }
const FILTERS: readonly Filter[] = [
  { name: 'subject', label: 'User', placeholder: 'Name or id' },
  { name: 'client_id', label: 'Client id' },
  { name: 'sid', label: 'Session id' },
  { name: 'actor', label: 'Actor', placeholder: 'Name or id' },
  {
    name: 'kind',
    label: 'Event',
    options: [ANY, ...AUDIT_KINDS.map((value) => ({ value, label: EVENT_TITLES[value] }))],
  },
  {
    name: 'outcome',
    label: 'Outcome',
    options: [ANY, { value: 'ok', label: 'Succeeded' }, { value: 'refused', label: 'Refused' }],
  },
  {
    name: 'grant',
    label: 'Grant',
    options: [ANY, ...GRANTS.map((value) => ({ value, label: formatName(value) }))],
  },
  {
    name: 'by_operator',
    label: 'By operator',
    options: [ANY, { value: 'true', label: 'Yes' }, { value: 'false', label: 'No' }],
  },
  { name: 'from', label: 'From (UTC)', type: 'datetime-local' },
  { name: 'to', label: 'Before (UTC)', type: 'datetime-local' },
]

/** The search in the audit trail. */
export const auditPage: Page = {
  method: 'GET',
  path: '/audit',
  role: 'support',
  async handle({ admin, query, config }) {
    const filter = Object.fromEntries(FILTERS.map(({ name }) => [name, query.text(name).trim()]))
    const address = readListAddress(query, { path: '/audit', filter, defaultSort: '-time' })
    const [{ subject, users, isUnknown }, operator] = await Promise.all([
      findSubject(admin, query.text('subject')),
      findSubject(admin, query.text('actor'), config.adminApi?.userPool),
    ])
    const heading = (
      <Heading
        title="Audit"
        lead="Events with their reasons. The audit trail stores ids, not names. The page shows the current names."
      />
    )
    const isChoice = users.length > 1
    const times = { from: parseTime(query.text('from')), to: parseTime(query.text('to')) }
    const resolved = { ...filter, ...times, subject, actor: operator.subject }
    const found = isChoice ? null : await readList(admin, { ...address, filter: resolved }, eventsSchema)
    return showList('Audit', heading, {
      address,
      query,
      filters: FILTERS,
      note: isChoice ? <UserChoice users={users} path="/audit" filter={filter} /> : archiveNote(found),
      page: found,
      empty:
        isUnknown || operator.isUnknown ? (
          <UnknownUser />
        ) : (
          <Empty title="No events found">Check the ids, and use fewer filters or a different time.</Empty>
        ),
      table: (events) => (
        <EventTable events={events} caption="Events" sorts={sortsOf(address, { Time: '-time' })} />
      ),
    })
  },
}

/** A note on the last page of a list that lacks archived events. */
function archiveNote(page: z.output<typeof eventsSchema> | AdminProblem | null) {
  if (page === null || page instanceof AdminProblem) return null
  const { next_cursor: next, archived_before: before } = page
  if (next !== null || before === null) return null
  return (
    <p class="soft">
      Events before {formatTime(before)} UTC may be missing here, because they are archived. To see them,
      filter by a user, or use <code>sallyport audit export</code>.
    </p>
  )
}
