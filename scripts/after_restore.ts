import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/lib/clock.ts'
import { clientRevocationTime } from '../src/sessions/revocation_store.ts'
import { requireConfig } from './config_file.ts'
import {
  CARRIED_TABLES,
  carryOver,
  endSessions,
  merge,
  NARROWED_TABLES,
  outdateCopies,
} from './repair_restored.ts'
import { RestoredStates } from './restored_states.ts'
import { stop } from './stop.ts'
import { writeOut } from './write_out.ts'

const TABLES = [...CARRIED_TABLES.map(({ name }) => name), ...NARROWED_TABLES]

const USAGE = `usage: npm run --silent after-restore -- --restored FILE [--lost FILE] [--except TABLES] [--end-sessions] > repair.sql
  Prints SQL that repairs a restored database (docs/backup.md). A FILE is an export of D1 or a database of SQLite.
  --restored      an export of the restored database
  --lost          an export of the state before the restore. Sessions, revocations, keys and audit events of that state
                  are kept, and users, clients and secrets are disabled and retired again. Needs no new sign-in
  --except        tables of the lost state that caused the restore, separated by commas: they stay as restored.
                  Tables: ${TABLES.join(', ')}
  --end-sessions  refuses every token: all users sign in again. Without --lost, this option is required`

const { restored, lost, except, isEnding } = readArguments()
const config = requireConfig()
const now = systemClock.now()
const states = new RestoredStates({ restored, lost }, now)
const missing = states.findMissingMigrations(
  readdirSync('migrations').filter((name) => name.endsWith('.sql')),
)
if (missing.length > 0)
  stop(
    `A state lacks the migrations ${missing.join(', ')}. Run npm run deploy, export again, then run this command.`,
  )
const { statements, notes } = merge([
  ...(lost === null ? [] : [carryOver(states, new Set(except), now)]),
  ...(isEnding ? [endSessions(states, endOf(now))] : []),
  outdateCopies(states),
])
for (const note of notes) writeOut(2, note)
for (const statement of statements) writeOut(1, `${statement};`)

function endOf(now: number) {
  const before = clientRevocationTime(now)
  const longest = Math.max(...[...config.apis.values()].map((api) => api.accessTokenLifetimeSeconds))
  return { now, before, expiresAt: before + longest }
}

function readArguments(): { restored: string; lost: string | null; except: string[]; isEnding: boolean } {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = { restored: text, lost: text, except: text, 'end-sessions': flag, help: flag }
  try {
    const {
      restored,
      lost = null,
      except,
      'end-sessions': isEnding = false,
      help,
    } = parseArgs({ options }).values
    if (help) {
      writeOut(1, USAGE)
      process.exit()
    }
    if (restored === undefined || (lost === null && !isEnding)) return stop(USAGE)
    const excepted = except?.split(',') ?? []
    const unknown = excepted.filter((name) => !TABLES.some((table) => table === name))
    return unknown.length > 0
      ? stop(`--except: ${unknown.join(', ')}: no such table\n${USAGE}`)
      : { restored, lost, except: excepted, isEnding }
  } catch {
    return stop(USAGE)
  }
}
