import * as z from 'zod/mini'
import { flag } from '../lib/input_schemas.ts'
import type { ValueProblem } from '../lib/problems.ts'
import {
  createUser,
  createUserWithoutPassword,
  importUser,
  requireUsername,
  UserRefused,
} from '../users/create_user.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import type { Profile } from '../users/profile.ts'
import type { UnstoredUser, User } from '../users/user.ts'
import type { PoolAddress } from '../users/user_import_store.ts'
import { settingOf } from './change.ts'
import { TAKEN_EMAIL } from './constraint_problem.ts'
import {
  type CheckedRow,
  checkRows,
  formatProblems,
  isGood,
  type RowVerdict,
  refuseRepeated,
} from './import_rows.ts'
import type { Call } from './operation.ts'
import { findPermissionRefusal } from './permissions.ts'
import { named } from './schemas.ts'
import { draftMembers, findUserProblems, password } from './user_schemas.ts'

const rowSchema = named(
  'UserImportRow',
  z
    .strictObject({
      ...draftMembers,
      email_verified: z.optional(flag),
      password: z.optional(password),
      password_hash: z.optional(z.string('must be a hash')),
      no_password: z.optional(z.literal(true, 'must be true, or absent')),
    })
    .check(
      z.refine(hasOneSource, {
        message: 'is required, or password_hash, or no_password: exactly one of them',
        path: ['password'],
      }),
    ),
)
type Row = z.output<typeof rowSchema>

const SOURCES = ['password', 'password_hash', 'no_password']

function hasOneSource(row: object): boolean {
  return SOURCES.filter((source) => source in row).length === 1
}

export type NewUser = UnstoredUser & { profile: Profile }

/** The effect of the import on a row. The dry run makes the same plan. */
export type Plan = { index: number } & (
  | { user: NewUser }
  | { replace: { id: string; passwordHash: string } }
  | { verdict: RowVerdict }
)

export const TAKEN: RowVerdict = { status: 'exists', reason: 'the username is taken in this pool' }
export const IN_USE: RowVerdict = {
  status: 'exists',
  reason: 'the user signed in or got a new password after the import: the hash was not replaced',
}

interface Mode {
  isDryRun: boolean
  replacesHashes: boolean
  /** Whether rows may have verified email addresses. */
  hasVerifiedEmails: boolean
}

/** Plans the rows one after the other, because each plain password needs a hash. */
export async function planUsers(rows: readonly unknown[], call: Call, mode: Mode): Promise<Plan[]> {
  const checked = checkRows(rows, rowSchema, {
    findProblems: (row) => [...findRowProblems(row, call), ...findVerificationProblems(row, mode)],
  })
  const distinct = refuseRepeated(checked, (row) => keyOf(nameOf(row, call)))
  const existing = await findExisting(distinct, call)
  const plans: Plan[] = []
  for (const row of distinct) plans.push(await planRow(row, existing, { ...mode, call }))
  return refuseTakenEmails(plans, call)
}

/** Refuses each new user whose verified address belongs to a user of the pool or to an earlier row. */
async function refuseTakenEmails(plans: readonly Plan[], { services }: Call): Promise<Plan[]> {
  const addresses = plans.map((plan) => ('user' in plan ? verifiedAddressOf(plan.user) : null))
  const found = await services.userImports.findVerified(addresses.filter((address) => address !== null))
  const taken = new Set(found.map(keyOfAddress))
  return plans.map((plan, i) => {
    const address = addresses[i] ?? null
    if (address === null) return plan
    const key = keyOfAddress(address)
    if (taken.has(key)) {
      return { index: plan.index, verdict: { status: 'refused', reason: formatProblems([TAKEN_EMAIL]) } }
    }
    taken.add(key)
    return plan
  })
}

function verifiedAddressOf({ pool, profile: { email, email_verified } }: NewUser): PoolAddress | null {
  return email_verified && email !== undefined ? { pool, email } : null
}

function keyOfAddress({ pool, email }: PoolAddress): string {
  return `${pool}\n${email}`
}

function findVerificationProblems(row: Row, { hasVerifiedEmails }: Mode): ValueProblem[] {
  if (!row.email_verified) return []
  const message = hasVerifiedEmails ? 'needs profile.email' : 'needs the option emails_verified of the import'
  return hasVerifiedEmails && row.profile?.email !== undefined ? [] : [{ path: 'email_verified', message }]
}

function findRowProblems(row: Row, call: Call) {
  const { services } = call
  const refusal = findPermissionRefusal(row, call)
  if (refusal !== null) return [{ path: 'pool', message: refusal.message }]
  const problems = findUserProblems({ pool: row.pool, roles: row.roles ?? [] }, services.config)
  return [...problems, ...findUsernameProblems(row, services)]
}

function findUsernameProblems({ username, pool }: Row, { config }: Call['services']) {
  try {
    requireUsername(username, pool, config)
    return []
  } catch (error) {
    if (error instanceof UserRefused) return [{ path: error.field, message: error.message }]
    throw error
  }
}

function nameOf({ pool, username }: Row, { services }: Call) {
  return { pool, username: requireUsername(username, pool, services.config) }
}

function keyOf({ pool, username }: Pick<User, 'pool' | 'username'>): string {
  return `${pool}\n${username}`
}

async function findExisting(
  rows: readonly CheckedRow<Row>[],
  call: Call,
): Promise<ReadonlyMap<string, User>> {
  const names = rows.filter(isGood).map(({ value }) => nameOf(value, call))
  const users = await call.services.userImports.findByNames(names)
  return new Map(users.map((user) => [keyOf(user), user]))
}

async function planRow(
  checked: CheckedRow<Row>,
  existing: ReadonlyMap<string, User>,
  { call, isDryRun, replacesHashes }: Mode & { call: Call },
): Promise<Plan> {
  const { index } = checked
  if (!isGood(checked)) return { index, verdict: { status: 'refused', reason: checked.refusal } }
  const row = checked.value
  const user = existing.get(keyOf(nameOf(row, call)))
  const replacesHash = replacesHashes && row.password_hash !== undefined
  if (user !== undefined && !replacesHash) return { index, verdict: TAKEN }
  if (user !== undefined && !user.isHashReplaceable) return { index, verdict: IN_USE }
  try {
    const made = await toUser(row, call, isDryRun)
    if (user === undefined) {
      const id = call.services.userDatabases.newId(made)
      return { index, user: { ...made, id, profile: profileOf(row) } }
    }
    const isSame = made.passwordHash === user.passwordHash
    return isSame
      ? { index, verdict: TAKEN }
      : { index, replace: { id: user.id, passwordHash: made.passwordHash } }
  } catch (error) {
    if (!(error instanceof UserRefused)) throw error
    return { index, verdict: { status: 'refused', reason: `${error.field}: ${error.message}` } }
  }
}

function profileOf({ profile = {}, email_verified }: Row): Profile {
  return email_verified ? { ...profile, email_verified } : profile
}

async function toUser(row: Row, call: Call, isDryRun: boolean): Promise<UnstoredUser> {
  const { services, context } = call
  const { pool, username, roles = [], enabled = true, must_change_password: mustChangePassword = false } = row
  const draft = { pool, username, roles, enabled, mustChangePassword }
  const { config } = services
  const passwords = isDryRun ? dryRunOf(services.passwords) : services.passwords
  if (row.password_hash !== undefined) {
    return importUser({ ...draft, passwordHash: row.password_hash }, { passwords, config }, context.now)
  }
  if (row.password === undefined) return createUserWithoutPassword(draft, { passwords, config }, context.now)
  const setting = settingOf(call, null, 'importUsers')
  return createUser({ ...draft, password: row.password }, { ...services, passwords }, setting)
}

/** Checks a row in the same way as the import, without computing a hash. */
function dryRunOf(passwords: Pick<PasswordHasher, 'readImported'>) {
  return {
    hash: async () => '',
    makeUnusable: () => '',
    adopt: async ({ stored, isFast }: { stored: string; isFast: boolean }) => (isFast ? '' : stored),
    readImported: (text: string) => passwords.readImported(text),
  }
}
