import type { Config } from '../src/config/config.ts'
import { RESTORE_MARK } from '../src/storage/change_list_store.ts'
import { eraseUsers, merge, noteOf, type Repair } from './repair_restored.ts'
import type { RestoredStates } from './restored_states.ts'
import { formatLiteral } from './sql_printer.ts'

/** What a further database stores. */
export type FurtherUse = 'shard' | 'audit' | 'index'

/** The role of a database. `name` is that of a database of users in its ids. A further database can have several uses. */
export type DatabaseRole =
  | { kind: 'main' }
  | { kind: 'users'; name: string }
  | { kind: 'further'; uses: ReadonlySet<FurtherUse> }

/** The role of the database with a binding; null if config.yml does not use the binding. */
export function roleOf(binding: string, config: Config): DatabaseRole | null {
  const { sessionShards, sessionObjects, auditDatabases, userDatabases } = config
  const hasBinding = (entry: { binding: string }) => entry.binding === binding
  if (binding === 'DB') return { kind: 'main' }
  const users = userDatabases?.databases.find(hasBinding)
  if (users !== undefined) return { kind: 'users', name: users.name }
  const listed: [FurtherUse, readonly { binding: string }[]][] = [
    ['shard', sessionShards],
    ['audit', auditDatabases],
    ['index', sessionObjects?.indexDatabases ?? []],
  ]
  const uses = new Set(listed.filter(([, entries]) => entries.some(hasBinding)).map(([use]) => use))
  return uses.size === 0 ? null : { kind: 'further', uses }
}

interface Options {
  excepted: ReadonlySet<string>
  isEnding: boolean
  before: number
}

/** The repairs that depend on other databases. A note with `run on DB:` has a statement for the main database. */
export function repairForRole(states: RestoredStates, role: DatabaseRole, options: Options): Repair {
  if (role.kind === 'further') return runOnMain(statementsOf(role.uses, options))
  const users = merge([
    ...(options.excepted.has('users') ? [] : [eraseUsers(states)]),
    findSharedNames(states),
  ])
  return role.kind === 'users' ? merge([users, continueEvents(states, role.name)]) : users
}

/** The statements for the main database, by the uses of the restored database. */
function statementsOf(uses: ReadonlySet<FurtherUse>, { isEnding, before }: Options): string[] {
  const [endings, erasures, marks] = [
    `UPDATE clients SET tokens_valid_from = max(tokens_valid_from, ${before}), version = version + 1`,
    'UPDATE erasures SET archive_from = 0',
    // The number of the mark grows, so each session object sends its rows of the index again.
    `INSERT OR REPLACE INTO copy_changes (name) VALUES ('${RESTORE_MARK}')`,
  ]
  return [
    ...(uses.has('shard') && isEnding ? [endings] : []),
    ...(uses.has('audit') ? [erasures] : []),
    ...(uses.has('index') ? [marks] : []),
  ]
}

function runOnMain(statements: readonly string[]): Repair {
  return { statements: [], notes: statements.map((statement) => `run on DB: ${statement}`) }
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
