import type { AuditedChange } from '../audit/audit_event.ts'
import { ConstraintFailed } from '../lib/storage_error.ts'
import { adminEvent } from './change.ts'
import { describeConstraint, isUnexpected } from './constraint_problem.ts'
import { formatProblems, type RowResult } from './import_rows.ts'
import type { Call } from './operation.ts'
import { IN_USE, type NewUser, type Plan, TAKEN } from './user_import_plan.ts'

type Result = RowResult<{ id: string | null }>

/** Makes the planned changes and reports each row. A dry run only reports. */
export async function carryOut(
  plans: readonly Plan[],
  call: Call,
  { isDryRun }: { isDryRun: boolean },
): Promise<Result[]> {
  const done = isDryRun
    ? null
    : { added: await addUsers(plans, call), replaced: await replaceHashes(plans, call) }
  return plans.map((plan) => ({ index: plan.index, ...toVerdict(plan, done) }))
}

interface Done {
  added: Added
  /** The ids of users whose hash was replaced. */
  replaced: ReadonlySet<string>
}

/** The results of the users that a batch adds, by their ids. */
interface Added {
  ids: ReadonlySet<string>
  /** The reasons of the database for each refused user. */
  refusals: ReadonlyMap<string, string>
}

/** @param done Null for a dry run. */
function toVerdict(plan: Plan, done: Done | null): Omit<Result, 'index'> {
  if ('verdict' in plan) return { ...plan.verdict, id: null }
  if ('replace' in plan) {
    const { id } = plan.replace
    if (done === null) return { status: 'updated', reason: null, id: null }
    return done.replaced.has(id) ? { status: 'updated', reason: null, id } : { ...IN_USE, id: null }
  }
  const { id } = plan.user
  if (done === null) return { status: 'created', reason: null, id: null }
  if (done.added.ids.has(id)) return { status: 'created', reason: null, id }
  const refusal = done.added.refusals.get(id)
  return refusal === undefined ? { ...TAKEN, id: null } : { status: 'refused', reason: refusal, id: null }
}

/**
 * Adds users in one transaction of each database, with an audit event for each. If a constraint fails, that transaction changes nothing. Then
 * the import adds each user separately, and refuses only the user whose value failed.
 */
async function addUsers(plans: readonly Plan[], call: Call): Promise<Added> {
  const users = plans.flatMap((plan) => ('user' in plan ? [plan.user] : []))
  if (users.length === 0) return { ids: new Set(), refusals: new Map() }
  try {
    return { ids: await addTogether(users, call), refusals: new Map() }
  } catch (error) {
    if (!(error instanceof ConstraintFailed) || isUnexpected(error)) throw error
    return addOneByOne(users, call)
  }
}

/** Users of another database are in the first transactions of the import, so they can exist already. */
async function addOneByOne(users: readonly NewUser[], call: Call): Promise<Added> {
  const added = await call.services.userAdmin.findMany(users.map(({ id }) => id))
  const ids = new Set(added.map(({ id }) => id))
  const refusals = new Map<string, string>()
  for (const user of users.filter(({ id }) => !ids.has(id))) {
    try {
      for (const id of await addTogether([user], call)) ids.add(id)
    } catch (error) {
      if (!(error instanceof ConstraintFailed) || isUnexpected(error)) throw error
      refusals.set(user.id, formatProblems([describeConstraint(error)]))
    }
  }
  return { ids, refusals }
}

/** @returns the ids of the added users. The other usernames are taken. @throws StorageUnavailable, ConstraintFailed */
function addTogether(users: readonly NewUser[], call: Call): Promise<ReadonlySet<string>> {
  const verified = users.filter(({ profile }) => profile.email_verified)
  const others = users.filter((user) => !verified.includes(user))
  const events = [
    ...eventsOf(others, { operation: 'importUsers' }, call),
    ...eventsOf(verified, { operation: 'importUsers', fields: ['email_verified'] }, call),
  ]
  return call.services.userAdmin.add(users, events)
}

/** A statement that adds an event for each added user; none without users. */
function eventsOf(users: readonly NewUser[], change: AuditedChange, call: Call) {
  if (users.length === 0) return []
  const event = adminEvent(call, 'the user was imported', { change })
  const ids = users.map(({ id }) => id)
  return [call.services.audit.additionsForUsers(ids, event, call.context)]
}

/** @returns the ids of the users whose hash was replaced. @throws StorageUnavailable */
async function replaceHashes(plans: readonly Plan[], call: Call): Promise<ReadonlySet<string>> {
  const { services, context } = call
  const hashes = new Map(
    plans.flatMap((plan) =>
      'replace' in plan ? [[plan.replace.id, plan.replace.passwordHash] as const] : [],
    ),
  )
  if (hashes.size === 0) return new Set()
  const change: AuditedChange = { operation: 'importUsers', fields: ['password_hash'] }
  const event = adminEvent(call, 'the password hash was replaced by an import', { change })
  const alongside = [services.audit.additionsForReplacedHashes([...hashes.keys()], event, context)]
  return services.userImports.replaceHashes(hashes, context.now, alongside)
}
