import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import type { Call, Command } from '../core/command.ts'
import { CliError, UsageError } from '../core/exit_code.ts'
import { text, time } from '../core/option.ts'
import { currentTime } from '../core/time.ts'
import { findSubject } from './find_user.ts'
import { POOL } from './user_argument.ts'

const FROM = { ...time('from', 'Events at or after this time'), isRequired: true }
const TO = time('to', 'Events before this time; without it, until now')
const OF_USER = text('user', 'Events of this user: a username, an id (user:…) or a guest (visitor:…)', {
  value: 'USER',
})
const OUTPUT = text('output', 'Write to this file. Default: standard output', { value: 'FILE' })

interface ExportedPage {
  items: readonly object[]
  next_cursor: string | null
}
type ReadPage = (cursor: string | undefined) => Promise<ExportedPage>

/** The state of an unfinished file. A repeated command with the same options continues after the last whole page. */
interface Progress {
  query: string
  cursor: string
  bytes: number
  events: number
}

const exportAudit: Command = {
  name: 'audit export',
  summary: 'Write audit events, including archived events, as one JSON object per line',
  details:
    'If an export with --output is interrupted, the identical command continues it. With --user, the oldest event is first. ' +
    'Without it, the events are not sorted. An event that is archived during the export can be in the file twice, with the same id.',
  options: [FROM, TO, OF_USER, POOL, OUTPUT],
  operations: ['GET /audit', 'GET /audit/export'],
  async run(call) {
    const { input, terminal } = call
    const from = input.get(FROM)
    if (from === undefined) throw new UsageError('--from is required')
    const given = input.get(TO)
    const to = given ?? currentTime()
    if (from >= to) throw new UsageError('--to must be later than --from')
    const who = input.get(OF_USER)
    const subject = who === undefined ? undefined : await findSubject(call.api, who, input.get(POOL))
    const read = readerOf(call, { from, to, subject })
    const path = input.get(OUTPUT)
    if (path === undefined) return printAll(call, read)
    const events = await writeFile(path, JSON.stringify([from, given, subject]), read)
    terminal.say(`${path} has ${events === 1 ? '1 event' : `${events} events`}.`)
  },
}

export const AUDIT_EXPORT_COMMANDS: readonly Command[] = [exportAudit]

function readerOf(
  { api }: Call,
  { from, to, subject }: { from: number; to: number; subject: string | undefined },
): ReadPage {
  if (subject === undefined)
    return (cursor) => api.read({ operation: 'GET /audit/export', query: { from, to, cursor } })
  const query = { from, to, subject, sort: 'time', limit: 100 }
  return (cursor) => api.read({ operation: 'GET /audit', query: { ...query, cursor } })
}

async function printAll({ terminal }: Call, read: ReadPage): Promise<void> {
  let cursor: string | undefined
  do {
    const page = await read(cursor)
    if (page.items.length > 0) terminal.print(linesOf(page).trimEnd())
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
}

/** Writes to `FILE.part`, and renames it at the end. @returns the number of events */
async function writeFile(path: string, query: string, read: ReadPage): Promise<number> {
  const [part, state] = [`${path}.part`, `${path}.progress`]
  const progress = readProgress(state, part)
  if (progress !== null && progress.query !== query)
    throw new CliError(
      'failed',
      `${state} belongs to an unfinished export with other options. Repeat that command, or delete ${state} to start again.`,
    )
  const file = openSync(part, progress === null ? 'w' : 'r+')
  let { bytes, events } = progress ?? { bytes: 0, events: 0 }
  let cursor = progress?.cursor
  try {
    ftruncateSync(file, bytes)
    do {
      const page = await read(cursor)
      const lines = Buffer.from(linesOf(page))
      bytes += writeSync(file, lines, 0, lines.length, bytes)
      events += page.items.length
      cursor = page.next_cursor ?? undefined
      if (cursor !== undefined)
        writeFileSync(state, JSON.stringify({ query, cursor, bytes, events }), { flush: true })
    } while (cursor !== undefined)
  } finally {
    closeSync(file)
  }
  renameSync(part, path)
  rmSync(state, { force: true })
  return events
}

function readProgress(state: string, part: string): Progress | null {
  return existsSync(state) && existsSync(part) ? JSON.parse(readFileSync(state, 'utf8')) : null
}

function linesOf({ items }: ExportedPage): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('')
}
