import { reasonOf, titleOf } from '@sallyport/formats/event_words'
import type { Child } from 'hono/jsx'
import type * as z from 'zod/mini'
import type { eventSchema } from '../admin/audit.ts'
import { formatTime } from './format.ts'
import { isUnknown, Origin } from './origin.tsx'
import { Badge, Moment, type Tone } from './parts.tsx'
import { ClientLink, Subject, TimelineLink } from './subject.tsx'
import { Table, type TableProps } from './table.tsx'
import { EVENT_TONES } from './tones.tsx'

export type ShownEvent = z.output<typeof eventSchema>

const TONES: ReadonlyMap<string, Tone> = new Map(Object.entries(EVENT_TONES))

export function toneOf({ kind, outcome }: Pick<ShownEvent, 'kind' | 'outcome'>): Tone {
  return outcome === 'refused' ? 'bad' : (TONES.get(kind) ?? 'plain')
}

interface EventTableProps extends Pick<TableProps, 'sorts'> {
  events: readonly ShownEvent[]
  caption: string
  /** Whether all events are of one user. The table then has no column for the user. */
  isOfOneUser?: boolean
}

export function EventTable({ events, caption, isOfOneUser = false, ...rest }: EventTableProps) {
  const user = isOfOneUser ? [] : ['User']
  return (
    <Table
      {...rest}
      caption={caption}
      columns={['Time', 'Event', 'Client', ...user, 'Session', 'Actor', 'Device, network']}
      rows={events.map((event) => [
        <Moment at={event.at} />,
        <>
          <Badge tone={toneOf(event)}>{titleOf(event)}</Badge>
          <div class="why">
            {reasonOf(event, (seconds) => `${formatTime(seconds)} UTC`)}
            <Change change={event.change} />
          </div>
        </>,
        ifKnown(event.client_id, (id) => <ClientLink id={id} name={event.client_name} />),
        ...(isOfOneUser
          ? []
          : [ifKnown(event.subject, (id) => <Subject id={id} name={event.subject_name} />)]),
        ifKnown(event.sid, (sid) => <TimelineLink sid={sid} />),
        ifKnown(event.actor, (id) => <Actor id={id} event={event} />),
        originOf(event),
      ])}
    />
  )
}

/** The actor of an event and, below it, the client of the actor's token. */
function Actor({
  id,
  event: { actor_name: name, actor_client: client, ...event },
}: {
  id: string
  event: ShownEvent
}) {
  return (
    <>
      <Subject id={id} name={name} />
      {client === null || client === id ? null : (
        <span class="under" title={client}>
          via {event.actor_client_name ?? client}
        </span>
      )}
    </>
  )
}

function originOf({ device, country, address_prefix: network }: ShownEvent): Child {
  const origin = { device, country, network }
  return isUnknown(origin) ? null : <Origin {...origin} />
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
