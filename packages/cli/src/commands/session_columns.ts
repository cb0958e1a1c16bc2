import { reasonOf, titleOf } from '@sallyport/formats/event_words'
import { wordOfState } from '@sallyport/formats/session_ending'
import type { Item } from '../api/admin_api.ts'
import type { Column } from '../core/table.ts'
import { member, moment, named, showTime, showValue, textOf } from './output.ts'

export const SESSION_COLUMNS: readonly Column<Item>[] = [
  member('Session', 'sid'),
  named('Client', 'client_name', 'client_id'),
  moment('Started', 'started_at'),
  member('Refreshes', 'refreshes'),
  { title: 'State', show: (session) => wordOfState(textOf(session, 'state')) },
  moment('Ended', 'ended_at'),
  member('Reason', 'end_reason'),
]

/** The columns of the sessions of several users. */
export const ALL_SESSION_COLUMNS: readonly Column<Item>[] = [
  ...SESSION_COLUMNS.slice(0, 1),
  named('User', 'subject_name', 'subject'),
  ...SESSION_COLUMNS.slice(1),
]

export const SESSION_MEMBERS: readonly Column<Item>[] = [
  member('Session', 'sid'),
  member('Subject', 'subject'),
  member('User', 'subject_name'),
  member('Client', 'client_id'),
  member('API', 'api'),
  ...SESSION_COLUMNS.slice(4, 5),
  moment('Started', 'started_at'),
  member('Refreshes', 'refreshes'),
  moment('Last refresh', 'last_refreshed_at'),
  moment('Expires', 'expires_at'),
  ...SESSION_COLUMNS.slice(5),
]

/** The columns for the events of one session. */
export const TIMELINE_COLUMNS: readonly Column<Item>[] = [
  moment('Time', 'at'),
  { title: 'Kind', show: (event) => titleOf(causeOf(event)) },
  member('Outcome', 'outcome'),
  member('Network', 'address_prefix'),
  { title: 'Reason', show: describeEvent },
]

export const EVENT_COLUMNS: readonly Column<Item>[] = [
  ...TIMELINE_COLUMNS.slice(0, 3),
  named('User', 'subject_name', 'subject'),
  named('Client', 'client_name', 'client_id'),
  member('Session', 'sid'),
  { title: 'Reason', show: describeEvent },
]

function describeEvent(event: Item): string {
  const actor = event.actor_name ?? event.actor
  const by = actor === null || actor === undefined ? '' : `, by ${showValue(actor)}`
  return showValue(reasonOf(causeOf(event), showTime)) + by
}

function causeOf(event: Item) {
  return { kind: textOf(event, 'kind'), reason: textOf(event, 'reason') }
}
