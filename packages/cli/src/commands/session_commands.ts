import { wordOfState } from '@sallyport/formats/session_ending'
import type { SessionTimeline } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { flag, text } from '../core/option.ts'
import { formatTable } from '../core/table.ts'
import { readBefore } from './change.ts'
import { conclude } from './conclusion.ts'
import { findSubject } from './find_user.ts'
import { formatItem, LIST_OPTIONS, printItem, printJson, printList } from './output.ts'
import { ALL_SESSION_COLUMNS, SESSION_COLUMNS, SESSION_MEMBERS, TIMELINE_COLUMNS } from './session_columns.ts'
import { POOL } from './user_argument.ts'

const OF_USER = text('user', 'Sessions of this user: a username, an id (user:…) or a guest (visitor:…)', {
  value: 'USER',
})
const OF_CLIENT = text('client', 'Sessions of this client', { field: 'client_id' })
const LIVE = flag('live', 'Only live sessions')
const SID = { name: 'SID', summary: 'The id of a session, such as s1.…' }

const listSessions: Command = {
  name: 'sessions list',
  summary: 'List the live sessions, or all sessions of a user or a client, newest first',
  options: [OF_USER, POOL, OF_CLIENT, LIVE, ...LIST_OPTIONS],
  operations: ['GET /sessions'],
  async run(call) {
    const { input, api } = call
    const who = input.get(OF_USER)
    const subject = who === undefined ? undefined : await findSubject(api, who, input.get(POOL))
    const query = { subject, client_id: input.get(OF_CLIENT), live: input.get(LIVE) }
    const shown = who === undefined ? ALL_SESSION_COLUMNS : SESSION_COLUMNS
    await printList(call, { operation: 'GET /sessions', query }, { shown, more: SESSION_MEMBERS })
  },
}

const showSession: Command = {
  name: 'sessions show',
  summary: 'Show one session',
  arguments: [SID],
  operations: ['GET /sessions/{sid}'],
  async run(call) {
    printItem(
      call,
      await call.api.read({ operation: 'GET /sessions/{sid}', path: pathOf(call) }),
      SESSION_MEMBERS,
    )
  },
}

const endSession: Command = {
  name: 'sessions end',
  summary: 'End a session. Refreshes stop at once, and access tokens stop when APIs read the revocation',
  arguments: [SID],
  operations: ['GET /sessions/{sid}', 'DELETE /sessions/{sid}'],
  async run(call) {
    const { api, terminal } = call
    const path = pathOf(call)
    const before = await readBefore(() => api.read({ operation: 'GET /sessions/{sid}', path }))
    await api.ask({ operation: 'DELETE /sessions/{sid}', path, isRepeatable: true })
    const hasEnded = before !== null && before.state !== 'live'
    terminal.say(
      hasEnded
        ? `The session ${path.sid} was already ${wordOfState(before.state)}.`
        : `Ended the session ${path.sid}.`,
    )
  },
}

const showTimeline: Command = {
  name: 'sessions timeline',
  summary: 'Show the timeline of a session: sign-in, refreshes, retries, end and reason',
  arguments: [SID],
  operations: ['GET /sessions/{sid}/timeline'],
  async run(call) {
    const timeline = await call.api.read({ operation: 'GET /sessions/{sid}/timeline', path: pathOf(call) })
    if (call.input.has(JSON_OUTPUT)) return printJson(call, timeline)
    printTimeline(call, timeline)
    call.terminal.print(`\n${conclude(timeline)}`)
  },
}

export const SESSION_COMMANDS: readonly Command[] = [listSessions, showSession, endSession, showTimeline]

/** Prints a session and its events. */
export function printTimeline({ terminal }: Call, timeline: SessionTimeline): void {
  const { session, events, truncated } = timeline
  terminal.print(formatItem(session, SESSION_MEMBERS))
  terminal.print(`\n${formatTable(events, TIMELINE_COLUMNS, terminal.columns)}`)
  if (truncated) terminal.say('The timeline is incomplete: "audit --session" lists all events.')
}

function pathOf({ input }: Call) {
  return { sid: input.argument('SID') }
}
