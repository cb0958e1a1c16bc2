import { findNewestEnd } from '@sallyport/formats/newest_end'
import { ProblemError } from '../api/problem.ts'
import type { SessionTimeline } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { formatTable } from '../core/table.ts'
import { formatTime } from '../core/time.ts'
import { conclude } from './conclusion.ts'
import { findSubject, isUserId } from './find_user.ts'
import { printJson } from './output.ts'
import { SESSION_COLUMNS } from './session_columns.ts'
import { printTimeline } from './session_commands.ts'
import { POOL } from './user_argument.ts'

/** The id of a session: the name of a shard, then 128 random bits in base64url. */
const SID = /^[^.\s@]+\.[\w-]{22}$/
/** A text that can be a mistyped id of a session. A username can have this form too. */
const SID_LIKE = /^[^.\s@]+\.[\w-]+$/
const RECENT = 20

const why: Command = {
  name: 'why',
  summary: 'Explain why a user was signed out: the last ended session and the reason',
  details:
    'For a user, the command explains the session that ended last, among the newest 20 sessions of the user. ' +
    'If none of them has ended, it shows the newest session.',
  arguments: [{ name: 'WHO', summary: 'A username, an id (user:…, visitor:…) or a session (s1.…)' }],
  options: [POOL],
  operations: ['GET /users', 'GET /users/{id}/support', 'GET /sessions', 'GET /sessions/{sid}/timeline'],
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
  const subject = await findSubjectOr(call, who)
  await sayLock(call, subject)
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

/** @throws CliError that names both meanings of a text with a dot, such as `s1.abc` */
async function findSubjectOr({ api, input }: Call, who: string): Promise<string> {
  try {
    return await findSubject(api, who, input.get(POOL))
  } catch (error) {
    const isMissing = error instanceof CliError && error.exitCode === 'notFound'
    if (!isMissing || !SID_LIKE.test(who)) throw error
    throw new CliError('notFound', `No session has the id "${who}", and no user has this username.`)
  }
}

/** A locked account explains why a user cannot sign in again. */
async function sayLock({ api, terminal }: Call, id: string): Promise<void> {
  if (!isUserId(id)) return
  const support = await orNull(() => api.read({ operation: 'GET /users/{id}/support', path: { id } }))
  const lockedUntil = support?.locked_until ?? null
  if (lockedUntil === null) return
  terminal.say(`The account is locked until ${formatTime(lockedUntil)}: "users unlock" unlocks it.`)
}

async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return null
    throw error
  }
}
