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
import { type DatabaseRole, repairForRole, roleOf } from './repair_role.ts'
import { RestoredStates } from './restored_states.ts'
import { stop } from './stop.ts'
import { writeOut } from './write_out.ts'

const TABLES = [...CARRIED_TABLES.map(({ name }) => name), ...NARROWED_TABLES]

const DESCRIPTIONS = {
  main: 'the main database',
  shard: 'a session shard',
  audit: 'an audit database',
  index: 'a database of the index of sessions',
  users: 'a database of users',
} as const

const USAGE = `usage: npm run --silent after-restore -- --restored FILE [--binding NAME] [--lost FILE] [--other FILE] [--except TABLES] [--end-sessions] > repair.sql
  Prints SQL that repairs a restored database (docs/backup.md). A FILE is an export of D1 or a database of SQLite.
  --restored      an export of the restored database
  --binding       its binding in wrangler.toml; DB if absent
  --lost          an export of the state before the restore. Sessions, revocations, keys and audit events of that state
                  are kept, and users, clients and secrets are disabled and retired again. Needs no new sign-in
  --other         an export of the present state of another database of users, or of DB for such a database. Can be repeated.
                  Users whom it lists as erased are erased again, and usernames of both databases are listed
  --except        tables of the lost state that caused the restore, separated by commas: they stay as restored.
                  Tables: ${TABLES.join(', ')}
  --end-sessions  refuses every token: all users sign in again. Without --lost, this option is required for DB and for
                  session shards`

const { binding, except, isEnding, ...files } = readArguments()
const { lost } = files
const config = requireConfig()
const role = roleOf(binding, config) ?? stop(`--binding: config.yml uses no database ${binding}`)
requireRepair(role)
const now = systemClock.now()
const states = new RestoredStates(files, now)
const missing = states.findMissingMigrations(
  readdirSync('migrations').filter((name) => name.endsWith('.sql')),
)
if (missing.length > 0)
  stop(
    `A state lacks the migrations ${missing.join(', ')}. Run npm run deploy, export again, then run this command.`,
  )
const end = endOf(now)
const excepted = new Set(except)
const { statements, notes } = merge([
  ...(lost === null ? [] : [carryOver(states, excepted, now)]),
  ...(isEnding ? [endSessions(states, end)] : []),
  repairForRole(states, role, { excepted, isEnding, before: end.before }),
  outdateCopies(states),
])
writeOut(2, `${binding}, ${describe(role)}:${notes.length === 0 ? ' no row differs' : ''}`)
for (const note of notes) writeOut(2, note)
for (const statement of statements) writeOut(1, `${statement};`)

/** A repair of sessions needs their lost state, or ends them. */
function requireRepair(role: DatabaseRole): void {
  const isFurther = role.kind === 'further'
  const hasSessions = isFurther ? role.uses.has('shard') : role.kind === 'main'
  if (lost === null && !isEnding && hasSessions) stop(USAGE)
  if (isEnding && isFurther && !hasSessions) stop(`--end-sessions: ${binding} has no sessions\n${USAGE}`)
}

function describe(role: DatabaseRole): string {
  const uses = role.kind === 'further' ? [...role.uses] : [role.kind]
  return new Intl.ListFormat('en').format(uses.map((use) => DESCRIPTIONS[use]))
}

function endOf(now: number) {
  const before = clientRevocationTime(now)
  const longest = Math.max(...[...config.apis.values()].map((api) => api.accessTokenLifetimeSeconds))
  return { now, before, expiresAt: before + longest }
}

interface Arguments {
  binding: string
  restored: string
  lost: string | null
  others: string[]
  except: string[]
  isEnding: boolean
}

function readArguments(): Arguments {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const files = { restored: text, lost: text, other: { ...text, multiple: true } } as const
  const options = { ...files, binding: text, except: text, 'end-sessions': flag, help: flag }
  try {
    const { restored, lost = null, except, help, ...values } = parseArgs({ options }).values
    if (help) {
      writeOut(1, USAGE)
      process.exit()
    }
    if (restored === undefined) return stop(USAGE)
    const { binding = 'DB', other: others = [], 'end-sessions': isEnding = false } = values
    const excepted = except?.split(',') ?? []
    const unknown = excepted.filter((name) => !TABLES.some((table) => table === name))
    return unknown.length > 0
      ? stop(`--except: ${unknown.join(', ')}: no such table\n${USAGE}`)
      : { binding, restored, lost, others, except: excepted, isEnding }
  } catch {
    return stop(USAGE)
  }
}
