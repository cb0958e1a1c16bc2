import type { Child, PropsWithChildren } from 'hono/jsx'
import type { ShownSession } from '../admin/session_view.ts'
import { compact } from '../lib/compact.ts'
import type { ValueProblem } from '../lib/problems.ts'
import { breakable } from '../pages/breakable.tsx'
import { type AdminProblem, isWithin } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import { formatDay, formatDistance, formatIso, formatTime } from './format.ts'

const HOUR_SECONDS = 3600

/**
 * A time in UTC, or its distance from `now` if `now` is given. The title has the time in UTC. The script of the console
 * (local_times.js.txt) shows the time in the time zone of the browser.
 */
export function Moment({ at, now }: { at: number; now?: number }) {
  const text = `${formatTime(at)} UTC`
  return (
    <time datetime={formatIso(at)} title={text}>
      {now === undefined ? text : formatDistance(at, now)}
    </time>
  )
}

/** A time of day or a day, in UTC. The script shows it in the time zone of the browser. */
export function ShortTime({ at, form }: { at: number; form: 'clock' | 'day' }) {
  const text = formatTime(at)
  return (
    <time datetime={formatIso(at)} title={`${text} UTC`} class={form}>
      {form === 'day' ? formatDay(at) : text.slice(11, 16)}
    </time>
  )
}

/** A time that can be unknown. */
export function MomentOr({ at, now, none }: { at: number | null; now?: number; none: string }) {
  if (at === null) return <span class="soft nowrap">{none}</span>
  return now === undefined ? <Moment at={at} /> : <Moment at={at} now={now} />
}

/** The last refresh of a session. With the refresh policy fixed, a refresh leaves no row. */
export function LastRefresh({ session, now }: { session: RefreshedSession; now?: number }) {
  const none = session.refresh_policy === 'fixed' ? 'Not recorded' : 'Never'
  return <MomentOr at={session.last_refreshed_at} none={none} {...compact({ now })} />
}

type RefreshedSession = Pick<ShownSession, 'refresh_policy' | 'last_refreshed_at'>

/** The last use of a client, which the server knows with the precision of an hour. */
export function LastUse({ at, now }: { at: number | null; now: number }) {
  if (at === null) return <span class="soft nowrap">Never</span>
  const hour = at - (at % HOUR_SECONDS)
  return (
    <time datetime={formatIso(hour)} title={`${formatTime(hour)} UTC`}>
      {now - at < HOUR_SECONDS ? 'within the last hour' : formatDistance(at, now)}
    </time>
  )
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain'

/** A state as a word, with a colour. */
export function Badge({ tone, children }: PropsWithChildren<{ tone: Tone }>) {
  return <span class={`badge ${tone}`}>{children}</span>
}

/** A link to a path below /console. */
export function Link({ to, children, ...rest }: PropsWithChildren<{ to: string; title?: string }>) {
  return (
    <a href={CONSOLE_PATH + to} {...rest}>
      {children}
    </a>
  )
}

/** The head of a page: its title, a line about it, and its actions. */
export function Heading({ title, lead, actions }: { title: Child; lead?: Child; actions?: Child }) {
  return (
    <header class="heading">
      <div>
        <h1>{typeof title === 'string' ? breakable(title) : title}</h1>
        {lead === undefined ? null : <p class="lead">{lead}</p>}
      </div>
      {actions === undefined ? null : <div class="actions">{actions}</div>}
    </header>
  )
}

interface SectionProps {
  id: string
  title: string
  aside?: Child
}

export function Section({ id, title, aside, children }: PropsWithChildren<SectionProps>) {
  return (
    <section aria-labelledby={id} class="section">
      <div class="section-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

/** A list of names and values. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: Child])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div {...(typeof value === 'string' ? lengthOf(value) : {})}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** The class of a value that needs more than one column of the list. */
function lengthOf({ length }: string): { class?: string } {
  if (length > 80) return { class: 'longest' }
  return length > 24 ? { class: 'long' } : {}
}

/** The names that a cell shows before the others. */
const FIRST_NAMES = 3

/** The names of roles, in a table. A long list shows its first names, and opens. */
export function Names({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <span class="soft">None</span>
  if (names.length <= FIRST_NAMES + 1) return <>{names.join(', ')}</>
  const others = names.slice(FIRST_NAMES)
  return (
    <>
      {names.slice(0, FIRST_NAMES).join(', ')},{' '}
      <details class="more">
        <summary>{others.length} more</summary> {others.join(', ')}
      </details>
    </>
  )
}

export function Empty({ title, children }: PropsWithChildren<{ title: string }>) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <p>{children}</p>
    </div>
  )
}

/** A field of a form. */
export interface FieldLabel {
  /** The name in the form and in problems of the admin API. */
  name: string
  label: string
  /** The id of the element; absent if it differs between forms, or if the form has no such element. */
  id?: string
}

/** The refusal of a form, above its fields, with a link to each wrong field. */
export function ProblemNote({
  problem,
  fields = [],
}: {
  problem: AdminProblem
  fields?: readonly FieldLabel[]
}) {
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{problem.title}.</strong> {problem.detail ?? 'Nothing was saved.'}
      </p>
      {problem.errors.length === 0 ? null : (
        <ul>
          {problem.errors.map((error) => (
            <li>
              <FieldProblem error={error} fields={fields} />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function FieldProblem({
  error: { path, message },
  fields,
}: {
  error: ValueProblem
  fields: readonly FieldLabel[]
}) {
  const field = fields.find(({ name }) => isWithin(path, name))
  const number = /\.(\d+)$/.exec(path)?.[1]
  const label = `${field?.label ?? path}${number === undefined ? '' : `, number ${Number(number) + 1}`}`
  return (
    <>
      {field?.id === undefined ? label : <a href={`#${field.id}`}>{label}</a>}: {message}
    </>
  )
}
