import type { Child } from 'hono/jsx'
import type * as z from 'zod/mini'
import type { eventSchema } from '../admin/audit.ts'
import type { AuditKind } from '../audit/audit_event.ts'
import { pathOf } from './admin_client.ts'
import { formatTime } from './format.ts'
import { Badge, Link, Moment, Table, type Tone } from './parts.tsx'
import { Subject } from './subject.tsx'
import { EVENT_TONES } from './tones.tsx'

export type ShownEvent = z.output<typeof eventSchema>

/** The title of each kind of event. */
export const KIND_TITLES: Readonly<Record<AuditKind, string>> = {
  issue: 'Sign-in',
  sign_in_failure: 'Failed sign-in',
  refresh: 'Refresh',
  refresh_refused: 'Refused refresh',
  retry: 'Retry',
  theft: 'Theft',
  merge: 'Merge',
  revoke: 'Sign-out',
  cut_off: 'Revocation',
  lock: 'Account locked',
  rehash: 'New hash',
  breached_password: 'Breached password',
  unchecked_password: 'Unchecked password',
  key: 'Key',
  admin: 'Change by an operator',
}

const TITLES: ReadonlyMap<string, string> = new Map(Object.entries(KIND_TITLES))

export function titleOf({ kind, reason }: ShownEvent): string {
  if (kind === 'issue' && reason === 'client_credentials') return 'Token'
  if (kind === 'issue' && reason === 'guest') return 'Guest'
  return TITLES.get(kind) ?? kind
}

/** The reason, with readable times for a key. */
export function reasonOf({ kind, reason }: ShownEvent): string {
  return kind === 'key'
    ? reason.replace(/\b\d{10}\b/g, (seconds) => `${formatTime(Number(seconds))} UTC`)
    : reason
}

const TONES: ReadonlyMap<string, Tone> = new Map(Object.entries(EVENT_TONES))

export function toneOf({ kind, outcome }: Pick<ShownEvent, 'kind' | 'outcome'>): Tone {
  return outcome === 'refused' ? 'bad' : (TONES.get(kind) ?? 'plain')
}

/** A table of events, newest first. */
export function EventTable({ events, caption }: { events: readonly ShownEvent[]; caption: string }) {
  return (
    <Table
      caption={caption}
      columns={['Time', 'Event', 'Reason', 'Client', 'User', 'Session', 'Actor, network']}
      rows={events.map((event) => [
        <Moment at={event.at} />,
        <Badge tone={toneOf(event)}>{titleOf(event)}</Badge>,
        <div class="why">
          {reasonOf(event)}
          <Change change={event.change} />
        </div>,
        ifKnown(event.client_id, (id) => <Link to={pathOf`/clients/${id}`}>{id}</Link>),
        ifKnown(event.subject, (id) => <Subject id={id} />),
        ifKnown(event.sid, (sid) => <Link to={pathOf`/sessions/${sid}`}>Timeline</Link>),
        event.actor === null && event.address_prefix === null ? null : <Origin event={event} />,
      ])}
    />
  )
}

/** The actor of an event and, below it, the network of the request. */
function Origin({ event: { actor, address_prefix: prefix } }: { event: ShownEvent }) {
  return (
    <>
      {actor === null ? null : <Subject id={actor} />}
      {prefix === null ? null : <span class="under network">{prefix}</span>}
    </>
  )
}

function ifKnown(value: string | null, show: (value: string) => Child): Child {
  return value === null ? null : show(value)
}

/** The details of a change by an operator. */
function Change({ change }: { change: ShownEvent['change'] }) {
  if (change === null) return null
  const { operation: _operation, ...rest } = change
  if (Object.keys(rest).length === 0) return null
  return (
    <details class="what">
      <summary>Details</summary>
      <pre>{JSON.stringify(rest, null, 1)}</pre>
    </details>
  )
}
