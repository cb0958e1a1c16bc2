import * as z from 'zod/mini'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { flag, listOf, storableText } from '../lib/input_schemas.ts'
import { describeIssues, type ValueProblem } from '../lib/problems.ts'
import { inputMembers, textMembers } from '../users/profile.ts'
import type { UserRecord } from '../users/user_record.ts'
import { findUsernameWarnings } from '../users/username_warnings.ts'
import { poolsOf } from './known_values.ts'
import { ROLES } from './operation.ts'
import { invalidContent } from './problem.ts'
import { named, pageOf, role } from './schemas.ts'

export const profileSchema = named('Profile', z.strictObject(inputMembers, 'must be a profile'))
const roles = listOf(role, 'roles', 50)
const pool = z.string('must be the name of a pool')
const username = storableText(255, 'a username')
export const password = z.string('must be a password')

/** The fields of a new user, without the password. */
export const draftMembers = {
  pool,
  username,
  roles: z.optional(roles),
  profile: z.optional(profileSchema),
  enabled: z.optional(flag),
  must_change_password: z.optional(flag),
}
export const draftSchema = named('UserDraft', z.strictObject({ ...draftMembers, password }))

export const editSchema = named(
  'UserEdit',
  z
    .strictObject({
      username: z.optional(username),
      roles: z.optional(roles),
      profile: z.optional(profileSchema),
      must_change_password: z.optional(flag),
    })
    .check(z.refine((edit) => Object.keys(edit).length > 0, 'must change something')),
)

export type UserEditBody = z.output<typeof editSchema>

export const newPasswordSchema = named(
  'NewPassword',
  z.strictObject({ password, must_change_password: z.optional(flag) }),
)

export const userSchema = named(
  'User',
  z.strictObject({
    id: z.string(),
    pool: z.string(),
    username: z.string(),
    username_warnings: z.array(z.string()),
    roles: z.array(z.string()),
    profile: z.strictObject(textMembers),
    email_verified: z.boolean(),
    enabled: z.boolean(),
    must_change_password: z.boolean(),
    password_breached: z.boolean(),
    /** When the account is erased, because its user asked for it; null without a request. A sign-in before cancels it. */
    deletion_at: z.nullable(z.int()),
    created_at: z.int(),
    updated_at: z.int(),
    tokens_valid_from: z.nullable(z.int()),
  }),
)
export const usersSchema = pageOf('Users', userSchema)
export type ShownUser = z.output<typeof userSchema>

/** The JSON form of a user. */
export function showUser(user: UserRecord): ShownUser {
  const { email_verified = false, ...texts } = user.profile
  return {
    id: user.id,
    pool: user.pool,
    username: user.username,
    username_warnings: findUsernameWarnings(user.username),
    roles: user.roles,
    profile: compact(texts),
    email_verified,
    enabled: user.enabled,
    must_change_password: user.mustChangePassword,
    password_breached: user.passwordBreached,
    deletion_at: user.deletionAt,
    created_at: user.createdAt,
    updated_at: user.updatedAt ?? user.createdAt,
    tokens_valid_from: user.tokensValidFrom === 0 ? null : user.tokensValidFrom,
  }
}

/** Finds problems with a pool and with roles in it. The pool of operators allows only the known roles. */
export function findUserProblems(
  { pool, roles }: { pool: string; roles: readonly string[] },
  config: Config,
): ValueProblem[] {
  const pools = poolsOf(config)
  if (!pools.includes(pool)) return [{ path: 'pool', message: `must be one of ${pools.join(', ')}` }]
  if (pool !== config.adminApi?.userPool) return []
  const known: readonly string[] = ROLES
  return roles.flatMap((name, i) =>
    known.includes(name)
      ? []
      : [{ path: `roles.${i}`, message: `must be ${ROLES.join(' or ')} for an operator` }],
  )
}

/** Finds every problem of an unchecked draft: those of its fields, then those of `findUserProblems`. */
export function findDraftProblems(draft: unknown, config: Config): ValueProblem[] {
  const result = draftSchema.safeParse(draft)
  if (!result.success) return describeIssues(result.error.issues)
  const { pool, roles = [] } = result.data
  return findUserProblems({ pool, roles }, config)
}

/** @throws Problem 422 with the problems of `findUserProblems` */
export function checkUser(user: { pool: string; roles: readonly string[] }, config: Config): void {
  const problems = findUserProblems(user, config)
  if (problems.length > 0) throw invalidContent(problems)
}
