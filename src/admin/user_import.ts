import * as z from 'zod/mini'
import type { AuditedChange } from '../audit/audit_event.ts'
import { ConstraintFailed } from '../lib/storage_error.ts'
import { createUser, importUser, requireUsername, UserRefused } from '../users/create_user.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import { needsHash } from '../users/schemes/conversion/convert_hash.ts'
import type { User } from '../users/user.ts'
import type { Profile } from '../users/user_admin_store.ts'
import { adminEvent, settingOf } from './change.ts'
import { FOR_ADMINS, isAdmin } from './confirmation.ts'
import { describeConstraint } from './constraint_problem.ts'
import {
  batchSchema,
  type CheckedRow,
  checkRows,
  formatProblems,
  isGood,
  MAX_IMPORT_BYTES,
  type RowResult,
  refuseRepeated,
} from './import_rows.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { invalidContent } from './problem.ts'
import { named } from './schemas.ts'
import { draftMembers, findUserProblems, password } from './user_schemas.ts'

/** A plain password and a fast hash cost one Argon2id hash each, which holds up the isolate. */
const MAX_HASHES = 20

const rowSchema = named(
  'UserImportRow',
  z
    .strictObject({
      ...draftMembers,
      password: z.optional(password),
      password_hash: z.optional(z.string('must be a hash')),
    })
    .check(
      z.refine((row) => (row.password === undefined) !== (row.password_hash === undefined), {
        message: 'is needed, or password_hash, and not both',
        path: ['password'],
      }),
    ),
)
type Row = z.output<typeof rowSchema>

const reportSchema = named(
  'UserImportReport',
  z.strictObject({
    dry_run: z.boolean(),
    results: z.array(
      z.strictObject({
        index: z.int(),
        status: z.enum(['created', 'exists', 'refused']),
        reason: z.nullable(z.string()),
        id: z.nullable(z.string()),
      }),
    ),
  }),
)
type Result = RowResult<{ id: string | null }>
type NewUser = User & { profile: Profile }

const TAKEN = 'the username is taken in this pool'

const importUsers = operation({
  id: 'importUsers',
  method: 'POST',
  path: '/users/import',
  summary: `People from elsewhere, with a password or its old hash; at most ${MAX_HASHES} plain passwords and fast hashes. Repeating it adds nobody twice`,
  tag: 'users',
  role: 'admin',
  body: batchSchema,
  confirmation: {
    when: FOR_ADMINS,
    isNeeded: (call) =>
      call.body.dry_run !== true && call.body.rows.some((row) => isAdmin(toDraft(row), call)),
  },
  maxBodyBytes: MAX_IMPORT_BYTES,
  status: 200,
  answer: reportSchema,
  async handle(call) {
    const { rows, dry_run: isDryRun = false } = call.body
    checkHashCount(rows)
    const checked = checkRows(rows, rowSchema, (row) => findRowProblems(row, call))
    const distinct = refuseRepeated(checked, (row) => keyOf(nameOf(row, call)))
    const taken = await findTaken(distinct, call)
    const users = await makeUsers(distinct, { call, taken, isDryRun })
    const added = isDryRun ? null : await addUsers(users, call)
    return { body: { dry_run: isDryRun, results: users.map((user) => toResult(user, added)) } }
  },
})

export const USER_IMPORT: readonly Operation[] = [importUsers]

/** The pool and the roles of a row that was not checked yet. */
function toDraft({ pool, roles }: Record<string, unknown>) {
  const names = Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : []
  return { roles: names, ...(typeof pool === 'string' ? { pool } : {}) }
}

/** @throws Problem 422 */
function checkHashCount(rows: readonly Record<string, unknown>[]): void {
  const count = rows.filter(needsHash).length
  if (count <= MAX_HASHES) return
  const message = `must have at most ${MAX_HASHES} plain passwords and fast hashes together`
  throw invalidContent([{ path: 'rows', message }])
}

function findRowProblems(row: Row, { services }: Call) {
  const problems = findUserProblems({ pool: row.pool, roles: row.roles ?? [] }, services.config)
  if (problems.length > 0) return problems
  try {
    requireUsername(row.username, row.pool, services.config)
    return []
  } catch (error) {
    if (error instanceof UserRefused) return [{ path: error.field, message: error.message }]
    throw error
  }
}

function nameOf({ pool, username }: Row, { services }: Call) {
  return { pool, username: requireUsername(username, pool, services.config) }
}

function keyOf({ pool, username }: { pool: string; username: string }): string {
  return `${pool}\n${username}`
}

async function findTaken(rows: readonly CheckedRow<Row>[], call: Call): Promise<ReadonlySet<string>> {
  const names = rows.filter(isGood).map(({ value }) => nameOf(value, call))
  return new Set((await call.services.userAdmin.findTaken(names)).map(keyOf))
}

/** What is to become of a row: a person to be added, or why not. */
type Outcome =
  | { index: number; user: NewUser }
  | { index: number; status: 'exists' | 'refused'; reason: string }

interface Making {
  call: Call
  taken: ReadonlySet<string>
  isDryRun: boolean
}

/** One after the other: each plain password costs a hash. */
async function makeUsers(rows: readonly CheckedRow<Row>[], making: Making): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const row of rows) outcomes.push(await makeUser(row, making))
  return outcomes
}

async function makeUser(row: CheckedRow<Row>, { call, taken, isDryRun }: Making): Promise<Outcome> {
  const { index } = row
  if (!isGood(row)) return { index, status: 'refused', reason: row.refusal }
  if (taken.has(keyOf(nameOf(row.value, call)))) {
    return { index, status: 'exists', reason: TAKEN }
  }
  try {
    return { index, user: { ...(await toUser(row.value, call, isDryRun)), profile: row.value.profile ?? {} } }
  } catch (error) {
    if (!(error instanceof UserRefused)) throw error
    return { index, status: 'refused', reason: `${error.field}: ${error.message}` }
  }
}

/** A dry run needs no hash of its own: it checks the password, and adds nobody. */
async function toUser(row: Row, call: Call, isDryRun: boolean): Promise<User> {
  const { services, context } = call
  const { pool, username, roles = [], enabled = true, must_change_password: mustChangePassword = false } = row
  const draft = { pool, username, roles, enabled, mustChangePassword }
  const passwords = isDryRun ? dryRunOf(services.passwords) : services.passwords
  if (row.password_hash !== undefined) {
    const { config } = services
    return importUser({ ...draft, passwordHash: row.password_hash }, { passwords, config }, context.now)
  }
  const setting = settingOf(call, null, 'importUsers')
  return createUser({ ...draft, password: row.password ?? '' }, { ...services, passwords }, setting)
}

/** Checks as the import does, and computes no hash. */
function dryRunOf(passwords: Pick<PasswordHasher, 'readImported'>) {
  return {
    hash: async () => '',
    adopt: async () => '',
    readImported: (text: string) => passwords.readImported(text),
  }
}

/** What became of the users that a batch adds, by their ids. */
interface Added {
  ids: ReadonlySet<string>
  /** Why the database refused a user. */
  refusals: ReadonlyMap<string, string>
}

/**
 * Adds users in one transaction with an event for each. Where a constraint fails, that transaction did nothing, and each
 * user is added alone, so that only the user whose value failed is refused.
 */
async function addUsers(outcomes: readonly Outcome[], call: Call): Promise<Added> {
  const users = outcomes.flatMap((outcome) => ('user' in outcome ? [outcome.user] : []))
  if (users.length === 0) return { ids: new Set(), refusals: new Map() }
  try {
    return { ids: await addTogether(users, call), refusals: new Map() }
  } catch (error) {
    if (!(error instanceof ConstraintFailed)) throw error
    return addOneByOne(users, call)
  }
}

async function addOneByOne(users: readonly NewUser[], call: Call): Promise<Added> {
  const ids = new Set<string>()
  const refusals = new Map<string, string>()
  for (const user of users) {
    try {
      for (const id of await addTogether([user], call)) ids.add(id)
    } catch (error) {
      if (!(error instanceof ConstraintFailed)) throw error
      refusals.set(user.id, formatProblems([describeConstraint(error)]))
    }
  }
  return { ids, refusals }
}

/** @returns The ids of those whose name was still free. @throws StorageUnavailable, ConstraintFailed */
function addTogether(users: readonly NewUser[], call: Call): Promise<ReadonlySet<string>> {
  const { services, context } = call
  const change: AuditedChange = { operation: 'importUsers' }
  const event = adminEvent(call, 'the user was imported', { change })
  const ids = users.map(({ id }) => id)
  return services.userAdmin.add(users, [services.audit.additionsForUsers(ids, event, context)])
}

function toResult(outcome: Outcome, added: Added | null): Result {
  const { index } = outcome
  if (!('user' in outcome)) return { index, status: outcome.status, reason: outcome.reason, id: null }
  if (added === null) return { index, status: 'created', reason: null, id: null }
  const { id } = outcome.user
  if (added.ids.has(id)) return { index, status: 'created', reason: null, id }
  const refusal = added.refusals.get(id)
  if (refusal !== undefined) return { index, status: 'refused', reason: refusal, id: null }
  return { index, status: 'exists', reason: TAKEN, id: null }
}
