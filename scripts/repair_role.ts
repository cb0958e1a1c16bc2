import type { Config } from '../src/config/config.ts'
import { RESTORE_MARK } from '../src/storage/change_list_store.ts'
import { eraseUsers, merge, noteOf, type Repair } from './repair_restored.ts'
import type { RestoredStates } from './restored_states.ts'
import { formatLiteral } from './sql_printer.ts'

/**
 * The use of a database. `name` is that of a database of users in its ids. `hasIndex` is set for a shard or an audit database that
 * `index_databases` also lists.
 */
export type DatabaseRole =
  | { kind: 'main' | 'shard' | 'audit' | 'index'; hasIndex?: true }
  | { kind: 'users'; name: string }

/** The role of the database with a binding; null if config.yml does not use the binding. */
export function roleOf(binding: string, config: Config): DatabaseRole | null {
  const { sessionShards, sessionObjects, auditDatabases, userDatabases } = config
  const hasBinding = (entry: { binding: string }) => entry.binding === binding
  const users = userDatabases?.databases.find(hasBinding)
  if (binding === 'DB') return { kind: 'main' }
  const hasIndex = sessionObjects?.indexDatabases.some(hasBinding) === true
  const index = hasIndex ? ({ hasIndex } as const) : {}
  if (sessionShards.some(hasBinding)) return { kind: 'shard', ...index }
  if (auditDatabases.some(hasBinding)) return { kind: 'audit', ...index }
  if (hasIndex) return { kind: 'index', hasIndex }
  return users === undefined ? null : { kind: 'users', name: users.name }
}

/** The repairs that depend on other databases. A note with `run on DB:` has a statement for the main database. */
export function repairForRole(states: RestoredStates, role: DatabaseRole, options: Options): Repair {
  const repair = repairForKind(states, role, options)
  if (role.kind === 'users' || role.hasIndex === undefined) return repair
  // The number of the mark grows, so each session object sends its rows of the index again.
  const mark = `INSERT OR REPLACE INTO copy_changes (name) VALUES ('${RESTORE_MARK}')`
  return merge([repair, runOnMain(mark)])
}

interface Options {
  excepted: ReadonlySet<string>
  isEnding: boolean
  before: number
}

function repairForKind(
  states: RestoredStates,
  role: DatabaseRole,
  { excepted, isEnding, before }: Options,
): Repair {
  const users = merge([...(excepted.has('users') ? [] : [eraseUsers(states)]), findSharedNames(states)])
  if (role.kind === 'users') return merge([users, continueEvents(states, role.name)])
  if (role.kind === 'audit') return runOnMain('UPDATE erasures SET archive_from = 0')
  if (role.kind === 'shard' && isEnding)
    return runOnMain(
      `UPDATE clients SET tokens_valid_from = max(tokens_valid_from, ${before}), version = version + 1`,
    )
  return role.kind === 'main' ? users : { statements: [], notes: [] }
}

function runOnMain(statement: string): Repair {
  return { statements: [], notes: [`run on DB: ${statement}`] }
}

/**
 * Removes the audit events that the main database already has, and gives new events higher numbers than those that it has. The main
 * database skips lower numbers.
 */
function continueEvents(states: RestoredStates, name: string): Repair {
  const last = states.lastSequence('audit_events')
  const moved = states.ids(
    [
      'SELECT 0 AS id',
      ...states.others.map(
        (schema) => `SELECT event_id FROM ${schema}.moved_events WHERE database = ${formatLiteral(name)}`,
      ),
      ...(states.hasLost ? [`SELECT coalesce((SELECT min(id) - 1 FROM lost.audit_events), ${last})`] : []),
    ].join(' UNION ALL '),
  )
  const highest = Math.max(...moved.map(Number))
  const removed = states.ids(`SELECT id FROM restored.audit_events WHERE id <= ${highest}`)
  return {
    statements: [
      `DELETE FROM audit_events WHERE id <= ${highest}`,
      `DELETE FROM sqlite_sequence WHERE name = 'audit_events'`,
      `INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_events', ${Math.max(last, highest)})`,
    ],
    notes: removed.length === 0 ? [] : [`audit_events: ${removed.length} removed, because DB has them`],
  }
}

/** Lists the usernames of a pool that the restored and another database have. The operator changes one of them. */
function findSharedNames(states: RestoredStates): Repair {
  const shared = states.others.flatMap((schema) =>
    states.ids(
      `SELECT old.username || ' (' || old.id || ' and ' || other.id || ')' AS id
       FROM restored.users AS old JOIN ${schema}.users AS other USING (pool, username)`,
    ),
  )
  return { statements: [], notes: noteOf('decide: usernames that two databases have', shared) }
}
