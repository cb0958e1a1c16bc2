import { reasonOf, titleOf } from '@sallyport/formats/event_words'
import * as z from 'zod/mini'
import { timelineSchema } from '../admin/session_timeline.ts'
import type { ShownSession } from '../admin/session_view.ts'
import { compact } from '../lib/compact.ts'
import { Confirm } from './action_form.tsx'
import { formatQuery, pathOf } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import { endOf } from './end_session.ts'
import { type ShownEvent, toneOf } from './events.tsx'
import { formatSpan, formatTime } from './format.ts'
import { Country, isUnknown, Origin } from './origin.tsx'
import { goTo, type Page, type PageRequest, type PageResponse } from './page.ts'
import { Empty, Facts, Heading, LastRefresh, Link, Moment, ProblemNote, Section } from './parts.tsx'
import { stateOf } from './sessions_page.tsx'
import { ClientLink, Subject } from './subject.tsx'
import { STATES, StateBadge } from './tones.tsx'

/** The parameter of a link from "Why signed out?". */
const WHY_FIELD = 'why'

/** The path of the timeline that explains the end of a session. */
export function pathOfEnd(sid: string): string {
  return pathOf`/sessions/${sid}` + formatQuery({ [WHY_FIELD]: 'signed-out' })
}

const timelinePage: Page = {
  method: 'GET',
  path: '/sessions/:sid',
  role: 'support',
  handle: (request) => showTimeline(request, null),
}

const endSession: Page = {
  method: 'POST',
  path: '/sessions/:sid/end',
  role: 'support',
  async handle(request) {
    const path = pathOf`/sessions/${request.params.sid ?? ''}`
    const outcome = await request.admin.change(path, z.undefined(), { method: 'DELETE' })
    return outcome instanceof AdminProblem ? showTimeline(request, outcome) : goTo(path, 'session-ended')
  },
}

export const TIMELINE_PAGES: readonly Page[] = [timelinePage, endSession]

async function showTimeline(request: PageRequest, problem: AdminProblem | null): Promise<PageResponse> {
  const { admin, operator, params, query, config, csrfToken: csrf } = request
  const sid = params.sid ?? ''
  const { session, ending, events, truncated } = await admin.read(
    pathOf`/sessions/${sid}/timeline`,
    timelineSchema,
  )
  const mayEnd = operator.isAdmin || session.api !== config.adminApi?.name
  const name = session.subject_name ?? session.subject
  const isExplained = query.text(WHY_FIELD) !== '' && session.state !== 'live'
  const title = isExplained ? `Why was ${name} signed out?` : `Session of ${name}`
  return compact({
    title,
    status: problem === null ? undefined : problem.status,
    body: (
      <>
        <Heading title={title} lead={ending} actions={<Links session={session} />} />
        {problem === null ? null : <ProblemNote problem={problem} />}
        <SessionFacts session={session} isOwn={sid === operator.sid} />
        <Section id="timeline" title="Timeline">
          {events.length === 0 ? (
            <Empty title="No events">The audit trail no longer has events of this session.</Empty>
          ) : (
            <Timeline session={session} events={events} ending={ending} />
          )}
          {truncated ? <p class="note plain">The session has more events than this page shows.</p> : null}
        </Section>
        {mayEnd && session.state === 'live' ? (
          <Section id="actions" title="Actions">
            <Confirm {...endOf(session, { csrf, page: pathOf`/sessions/${sid}` })} />
          </Section>
        ) : null}
      </>
    ),
  })
}

function Links({ session: { sid, subject } }: { session: ShownSession }) {
  return (
    <>
      <Link to={`/sessions${formatQuery({ subject })}`}>All sessions of this user</Link>
      <Link to={`/audit${formatQuery({ sid })}`}>Events of this session</Link>
    </>
  )
}

function SessionFacts({ session, isOwn }: { session: ShownSession; isOwn: boolean }) {
  return (
    <Facts
      facts={[
        [
          'State',
          <>
            <StateBadge state={stateOf(session)} /> {isOwn ? 'This is your session.' : null}
          </>,
        ],
        ['User', <Subject id={session.subject} name={session.subject_name} />],
        ['Client', <ClientLink id={session.client_id} name={session.client_name} />],
        ['API', session.api],
        ['Started', <Moment at={session.started_at} />],
        ['Refresh policy', session.refresh_policy],
        ['Refreshes', `${session.refreshes}`],
        ['Last refresh', <LastRefresh session={session} />],
        session.ended_at === null
          ? ['Expires', <Moment at={session.expires_at} />]
          : ['Ended', <Moment at={session.ended_at} />],
        ['Device', session.device ?? <span class="soft">Unknown</span>],
        [
          'Country',
          session.country === null ? <span class="soft">Unknown</span> : <Country code={session.country} />,
        ],
        ['Id', <code class="id">{session.sid}</code>],
      ]}
    />
  )
}

interface TimelineProps {
  session: ShownSession
  events: readonly ShownEvent[]
  ending: string
}

function Timeline({ session, events, ending }: TimelineProps) {
  return (
    <ol class="timeline">
      {events.map((event) => (
        <li class={toneOf(event)}>
          <Moment at={event.at} />
          <span class="after">{afterStart(event.at - session.started_at)}</span>
          <strong>{titleOf(event)}</strong>
          <p>
            {reasonOf(event, (seconds) => `${formatTime(seconds)} UTC`)}
            {event.actor === null ? null : (
              <>
                , by <Subject id={event.actor} name={event.actor_name} />
              </>
            )}
            {isSameOrigin(event, session) ? null : (
              <span class="under">
                <Origin device={event.device} country={event.country} />
              </span>
            )}
          </p>
        </li>
      ))}
      <li class={`${STATES[stateOf(session)][0]} last`}>
        <strong>{session.state === 'live' ? 'Now' : 'Ended'}</strong>
        <p>{ending}</p>
      </li>
    </ol>
  )
}

/** Whether the origin of an event is that of the sign-in, or is unknown. The event of an operator has the operator's origin. */
function isSameOrigin(event: ShownEvent, { device, country }: ShownSession): boolean {
  return isUnknown(event) || (event.device === device && event.country === country)
}

function afterStart(seconds: number): string {
  return seconds <= 0 ? '' : `after ${formatSpan(seconds)}`
}
