import { RESTORE_MARK } from '../src/storage/change_list_store.ts'
import type { RestoredStates, Row } from './restored_states.ts'
import { formatLiteral } from './sql_printer.ts'

/** A table whose rows come from requests and from the cron trigger. The lost rows replace the restored ones. */
interface CarriedTable {
  name: string
  /** Whether a removed row is removed again, such as a passkey. */
  hasRemovals?: boolean
  /** SQL for the restored rows that are not removed again. */
  kept?: string
}

/** The tables of a lost state that a restored database gets again. */
export const CARRIED_TABLES: readonly CarriedTable[] = [
  { name: 'sessions' },
  { name: 'cutoffs' },
  { name: 'session_index', hasRemovals: true },
  // A user who was deleted since exists again, and a signed-out browser stays signed out. A user of a further database stays deleted.
  { name: 'ended_browser_sessions', hasRemovals: true, kept: 'subject IN (SELECT id FROM restored.users)' },
  { name: 'one_time_values' },
  { name: 'signing_keys', hasRemovals: true },
  { name: 'retired_keys' },
  { name: 'consents', hasRemovals: true },
  { name: 'passkeys', hasRemovals: true },
  { name: 'totp_factors', hasRemovals: true },
  { name: 'recovery_codes', hasRemovals: true },
  { name: 'sign_in_failures' },
  { name: 'known_origins', hasRemovals: true },
  { name: 'erasures' },
  { name: 'audit_events' },
  { name: 'audit_counters' },
  { name: 'audit_hour_counters' },
  { name: 'audit_batches', hasRemovals: true },
  { name: 'audit_deliveries' },
  { name: 'audit_archives', hasRemovals: true },
]

/** The tables of which only restrictions and passwords are applied again. Names, roles and scopes stay as restored. */
export const NARROWED_TABLES = ['users', 'clients', 'client_secrets'] as const

const PASSWORD_COLUMNS = [
  'password_hash',
  'hash_replaceable',
  'must_change_password',
  'breach_checked_at',
  'password_breached',
]

/** The names in one statement. It must be shorter than the 100 KB that D1 allows. */
const GROUP_SIZE = 500

/** SQL for a restored database, and lines for the operator. */
export interface Repair {
  statements: string[]
  notes: string[]
}

/** Applies the rows and restrictions of the lost state again. @param now Unix seconds */
export function carryOver(states: RestoredStates, excepted: ReadonlySet<string>, now: number): Repair {
  const isIncluded = (name: string) => !excepted.has(name)
  const repairs = [
    ...CARRIED_TABLES.filter(({ name }) => isIncluded(name)).map((table) => carry(states, table)),
    isIncluded('users') && narrow(states, 'users', 'id'),
    isIncluded('users') && carryPasswords(states),
    isIncluded('clients') && narrow(states, 'clients', 'client_id'),
    isIncluded('client_secrets') && narrowSecrets(states, now),
    listDifferences(states),
  ]
  return merge(repairs.filter((repair) => repair !== false))
}

/** Refuses every token, browser session, code and link from before a second. All times are Unix seconds. */
export function endSessions(
  states: RestoredStates,
  { now, before, expiresAt }: { now: number; before: number; expiresAt: number },
): Repair {
  const change = `SET tokens_valid_from = max(tokens_valid_from, ${before}), version = version + 1`
  const id = states.lastSequence('cutoffs') + 1
  return {
    statements: [
      `UPDATE clients ${change}`,
      `UPDATE users ${change}`,
      `UPDATE one_time_values SET used_at = ${now} WHERE used_at IS NULL`,
      `INSERT OR REPLACE INTO cutoffs (id, kind, value, before, reason, created_at, expires_at)
  VALUES (${id}, 'all', '', ${before}, 'the database was restored', ${now}, ${expiresAt})`,
    ],
    notes: [`every token from before ${before} is refused, so all users sign in again`],
  }
}

/**
 * Makes all copies of clients, keys and users outdated. Their numbers can be above those of the restored tables. The mark makes each
 * session object send its rows of `session_index` and `cutoffs` again.
 */
export function outdateCopies(states: RestoredStates): Repair {
  const names = states.hasLost
    ? states.ids(
        `SELECT 'client:' || client_id AS id FROM lost.clients UNION SELECT name FROM lost.copy_changes`,
      )
    : []
  const users = states.hasLost ? changedUsers(states) : []
  const known = `SELECT 'client:' || client_id AS name FROM clients UNION SELECT name FROM copy_changes`
  return {
    statements: [
      ...groupsOf(['keys', RESTORE_MARK, ...names]).map((group) =>
        renumber(states, 'copy_changes', listed(group)),
      ),
      renumber(states, 'copy_changes', known),
      ...groupsOf(users).map((group) => renumber(states, 'user_changes', listed(group))),
    ],
    notes: [],
  }
}

export function merge(repairs: readonly Repair[]): Repair {
  return {
    statements: repairs.flatMap(({ statements }) => statements),
    notes: repairs.flatMap(({ notes }) => notes),
  }
}

function carry(states: RestoredStates, table: CarriedTable): Repair {
  const { name, hasRemovals = false, kept = 'FALSE' } = table
  const { all, key } = states.columns(name)
  const [columns, keyColumns] = [listColumns(all), listColumns(key)]
  const changed = states.rows(
    `SELECT ${columns} FROM lost.${name} EXCEPT SELECT ${columns} FROM restored.${name}`,
  )
  const removed = hasRemovals
    ? states.rows(
        `SELECT ${keyColumns} FROM restored.${name} WHERE NOT (${kept}) EXCEPT SELECT ${keyColumns} FROM lost.${name}`,
      )
    : []
  const valuesOf = (row: Row) => all.map((column) => formatLiteral(row[column])).join(', ')
  const conditionOf = (row: Row) =>
    key.map((column) => `"${column}" = ${formatLiteral(row[column])}`).join(' AND ')
  return {
    statements: [
      ...removed.map((row) => `DELETE FROM ${name} WHERE ${conditionOf(row)}`),
      ...changed.map((row) => `INSERT OR REPLACE INTO ${name} (${columns}) VALUES (${valuesOf(row)})`),
    ],
    notes:
      changed.length + removed.length === 0
        ? []
        : [`${name}: ${changed.length} rows written again, ${removed.length} removed again`],
  }
}

/** Disables and signs out the records that were disabled or signed out since the restored moment. */
function narrow(states: RestoredStates, table: 'users' | 'clients', id: string): Repair {
  const rows = states.rows(
    `SELECT now.${id} AS id, now.enabled AS enabled, now.tokens_valid_from AS tokens, now.access_valid_from AS access
     FROM lost.${table} AS now JOIN restored.${table} AS old USING (${id})
     WHERE now.enabled < old.enabled OR now.tokens_valid_from > old.tokens_valid_from
       OR now.access_valid_from > old.access_valid_from`,
  )
  return {
    statements: rows.map(
      (row) =>
        `UPDATE ${table} SET enabled = min(enabled, ${row.enabled}), version = version + 1,
  tokens_valid_from = max(tokens_valid_from, ${row.tokens}),
  access_valid_from = max(access_valid_from, ${row.access}) WHERE ${id} = ${formatLiteral(row.id)}`,
    ),
    notes: noteOf(
      `${table}: disabled or signed out again`,
      rows.map((row) => String(row.id)),
    ),
  }
}

function carryPasswords(states: RestoredStates): Repair {
  const columns = PASSWORD_COLUMNS.map((column) => `now.${column} AS ${column}`).join(', ')
  const rows = states.rows(
    `SELECT now.id AS id, ${columns} FROM lost.users AS now JOIN restored.users AS old USING (id)
     WHERE now.password_hash <> old.password_hash`,
  )
  const valuesOf = (row: Row) =>
    PASSWORD_COLUMNS.map((column) => `${column} = ${formatLiteral(row[column])}`).join(', ')
  return {
    statements: rows.map(
      (row) => `UPDATE users SET ${valuesOf(row)}, version = version + 1 WHERE id = ${formatLiteral(row.id)}`,
    ),
    notes: noteOf(
      'users: password set again',
      rows.map((row) => String(row.id)),
    ),
  }
}

/** Deletes the users again that were erased since the restored moment. Another database can have the list of erasures. */
export function eraseUsers(states: RestoredStates): Repair {
  const lists = [...(states.hasLost ? ['lost'] : []), ...states.others].map(
    (schema) => `SELECT subject AS id FROM ${schema}.erasures`,
  )
  const ids =
    lists.length === 0
      ? []
      : states.ids(`SELECT id FROM restored.users WHERE id IN (${lists.join(' UNION ')})`)
  return {
    statements: ids.map((id) => `DELETE FROM users WHERE id = ${formatLiteral(id)}`),
    notes: noteOf('users: erased again', ids),
  }
}

function narrowSecrets(states: RestoredStates, now: number): Repair {
  const rows = states.rows(
    `SELECT old.secret_hash AS hash, old.client_id AS id,
       CASE WHEN now.secret_hash IS NULL THEN ${now} ELSE now.expires_at END AS ends
     FROM restored.client_secrets AS old LEFT JOIN lost.client_secrets AS now USING (secret_hash)
     WHERE now.secret_hash IS NULL OR now.expires_at < coalesce(old.expires_at, 9e15)`,
  )
  return {
    statements: rows.map(
      ({ hash, ends }) =>
        `UPDATE client_secrets SET expires_at = min(coalesce(expires_at, ${ends}), ${ends}) WHERE secret_hash = ${formatLiteral(hash)}`,
    ),
    notes: noteOf(
      'client_secrets: retired again, of',
      rows.map(({ id }) => String(id)),
    ),
  }
}

/** The differences that the operator decides on. */
function listDifferences(states: RestoredStates): Repair {
  const missing = (from: string, other: string, table: string, id: string) =>
    states.ids(`SELECT ${id} AS id FROM ${from}.${table} EXCEPT SELECT ${id} FROM ${other}.${table}`)
  const differing = (table: string, id: string, column: string) =>
    states.ids(
      `SELECT old.${id} AS id FROM restored.${table} AS old JOIN lost.${table} AS now USING (${id})
       WHERE old.${column} IS NOT now.${column}`,
    )
  return {
    statements: [],
    notes: [
      ...noteOf('decide: users with other roles before the restore', differing('users', 'id', 'roles')),
      ...noteOf(
        'decide: users with another username before the restore',
        differing('users', 'id', 'username'),
      ),
      ...noteOf('decide: deleted users that exist again', missing('restored', 'lost', 'users', 'id')),
      ...noteOf('decide: users that the restore removed', missing('lost', 'restored', 'users', 'id')),
      ...noteOf(
        'decide: clients with other scopes before the restore',
        differing('clients', 'client_id', 'scopes'),
      ),
      ...noteOf(
        'decide: deleted clients that exist again',
        missing('restored', 'lost', 'clients', 'client_id'),
      ),
      ...noteOf(
        'decide: clients that the restore removed',
        missing('lost', 'restored', 'clients', 'client_id'),
      ),
    ],
  }
}

function changedUsers(states: RestoredStates): string[] {
  const columns = listColumns(states.columns('users').all)
  return states.ids(
    `SELECT id FROM (SELECT ${columns} FROM lost.users EXCEPT SELECT ${columns} FROM restored.users)`,
  )
}

/** Gives names the next numbers of a list of changes. @param names A query with the column `name` */
function renumber(states: RestoredStates, table: string, names: string): string {
  const last = `max(coalesce((SELECT max(seq) FROM ${table}), 0), ${states.lastSequence(table)})`
  return `INSERT OR REPLACE INTO ${table} (seq, name)
  SELECT ${last} + row_number() OVER (), name FROM (${names})`
}

/** A query for the names of a list. D1 allows few parts in a compound SELECT. */
function listed(names: readonly string[]): string {
  return `SELECT value AS name FROM json_each(${formatLiteral(JSON.stringify(names))})`
}

function listColumns(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}

/** A line with up to ten ids and the number of the others; no line without ids. */
export function noteOf(title: string, ids: readonly string[]): string[] {
  const more = ids.length > 10 ? ` and ${ids.length - 10} more` : ''
  return ids.length === 0 ? [] : [`${title}: ${ids.slice(0, 10).join(', ')}${more}`]
}

function groupsOf(names: readonly string[]): string[][] {
  const groups = Math.ceil(names.length / GROUP_SIZE)
  return Array.from({ length: groups }, (_, i) => names.slice(i * GROUP_SIZE, (i + 1) * GROUP_SIZE))
}
