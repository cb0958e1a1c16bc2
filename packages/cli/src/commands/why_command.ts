import { findNewestEnd } from '@sallyport/formats/newest_end'
import { ProblemError } from '../api/problem.ts'
import type { SessionTimeline } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { formatTable } from '../core/table.ts'
import { conclude } from './conclusion.ts'
import { findSubject } from './find_user.ts'
import { printJson } from './output.ts'
import { SESSION_COLUMNS } from './session_columns.ts'
import { printTimeline } from './session_commands.ts'
import { POOL } from './user_commands.ts'

/** The id of a session: the name of a shard, then 128 random bits in base64url. */
const SID = /^[^.\s@]+\.[\w-]{22}$/
const RECENT = 20

const why: Command = {
  name: 'why',
  summary: 'Explain why a user was signed out: the last ended session and the reason',
  details:
    'For a user, the command explains the session that ended last, among the newest 20 sessions of the user. ' +
    'If none of them has ended, it shows the newest session.',
  arguments: [{ name: 'WHO', summary: 'A username, an id (user:…, visitor:…) or a session (s1.…)' }],
  options: [POOL],
  operations: ['GET /users', 'GET /sessions', 'GET /sessions/{sid}/timeline'],
  async run(call) {
    const { input, terminal } = call
    const who = input.argument('WHO')
    const timeline =
      (SID.test(who) ? await findTimeline(call, who) : null) ?? (await findTimelineOf(call, who))
    if (input.has(JSON_OUTPUT)) return printJson(call, timeline)
    printTimeline(call, timeline)
    terminal.print(`\n${conclude(timeline)}`)
  },
}

export const WHY_COMMANDS: readonly Command[] = [why]

async function findTimeline({ api }: Call, sid: string): Promise<SessionTimeline | null> {
  return orNull(() => api.read({ operation: 'GET /sessions/{sid}/timeline', path: { sid } }))
}

async function findTimelineOf(call: Call, who: string): Promise<SessionTimeline> {
  const { api, input, terminal } = call
  const subject = await findSubject(api, who, input.get(POOL))
  const { items } = await api.list({ operation: 'GET /sessions', query: { subject } }, RECENT)
  const session = findNewestEnd(items)
  if (session === null) {
    throw new CliError('notFound', `${who} has no recent session: "audit --user" lists the events.`)
  }
  if (items.length > 1 && !input.has(JSON_OUTPUT)) {
    terminal.print(`${formatTable(items, SESSION_COLUMNS, terminal.columns)}\n`)
  }
  return api.read({ operation: 'GET /sessions/{sid}/timeline', path: { sid: session.sid } })
}

async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return null
    throw error
  }
}
