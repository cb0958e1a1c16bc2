import { foldUsername } from '@sallyport/formats/username'
import * as z from 'zod/mini'
import { verifiedAddressOf } from '../accounts/link_kinds.ts'
import { HASH_COST } from '../clients/caller_budget.ts'
import { foldText } from '../lib/fold_text.ts'
import { flag, text } from '../lib/input_schemas.ts'
import { createUser, requireUsername, UserRefused } from '../users/create_user.ts'
import { passwordForms } from '../users/password.ts'
import { replaceTexts } from '../users/profile.ts'
import type { UserConditions } from '../users/user_admin_store.ts'
import type { PoolName } from '../users/user_databases_store.ts'
import type { UserSort } from '../users/user_list_store.ts'
import type { UserRecord } from '../users/user_record.ts'
import { searchTextOf } from '../users/user_search.ts'
import { adminEvent, concernedBy, requireChanged, settingOf } from './change.ts'
import { FOR_ADMINS, isAdmin } from './confirmation.ts'
import { TAKEN_USERNAME } from './constraint_problem.ts'
import { createOnce, reusedKey } from './idempotency.ts'
import { requireConfigured } from './known_values.ts'
import { type Call, type Operation, type OperationResult, operation } from './operation.ts'
import { type ListOrders, readPage, showPage, sortParameter } from './paging.ts'
import { hiddenPoolOf, requirePermission } from './permissions.ts'
import { invalidContent, notFound, operatorOnly, Problem, stale } from './problem.ts'
import { formatEtag } from './read_input.ts'
import { paging } from './schemas.ts'
import {
  checkUser,
  draftSchema,
  editSchema,
  type ShownUser,
  showUser,
  type UserEditBody,
  userSchema,
  usersSchema,
} from './user_schemas.ts'

const PATH = '/users/{id}'

const ORDERS: ListOrders<UserRecord, UserSort> = {
  username: {
    placeOf: ({ pool, username }) => [pool, username],
    place: z.tuple([z.string(), z.string()]),
  },
  created: { placeOf: ({ createdAt, id }) => [createdAt, id], place: z.tuple([z.int(), z.string()]) },
}

const listUsers = operation({
  id: 'listUsers',
  method: 'GET',
  path: '/users',
  summary: 'Lists users; `q` is any part of the username, name or email, without regard to case and accents',
  tag: 'users',
  role: 'support',
  scope: 'users:read',
  query: z.strictObject({
    ...paging,
    sort: sortParameter(['username', 'created']),
    q: z.optional(text(255)),
    username: z.optional(text(255)),
    id: z.optional(text(100)),
    pool: z.optional(text(64)),
    role: z.optional(text(64)),
    enabled: z.optional(flag),
  }),
  isSearch({ query: { q, role, enabled, username, id } }) {
    const isNamed = username !== undefined || id !== undefined
    const isFiltered = q !== undefined || role !== undefined || enabled !== undefined
    return isFiltered && !isNamed
  },
  status: 200,
  response: usersSchema,
  async handle({ query, services, caller }) {
    requireConfigured(query, services.config)
    const { id = null, pool = null, role = null, enabled = null } = query
    const text = query.q === undefined ? null : foldText(query.q)
    const username = query.username === undefined ? null : foldUsername(query.username)
    const { page, total: known } = readPage(query, ORDERS, 'username')
    const hiddenPool = hiddenPoolOf({ caller, services })
    const filter = { text, username, id, pool, hiddenPool, role, enabled }
    const { slice, total } = await services.userList.list(filter, page, known)
    return { body: showPage(slice, { page, total }, { ...ORDERS[page.sort], show: showUser }) }
  },
})

const createUserOperation = operation({
  id: 'createUser',
  method: 'POST',
  path: '/users',
  summary: 'Creates a user in a pool',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  body: draftSchema,
  isIdempotent: true,
  confirmation: { when: FOR_ADMINS, isNeeded: (call) => isAdmin(call.body, call) },
  costOf: () => HASH_COST,
  status: 201,
  response: userSchema,
  async handle(call) {
    const { body, services, context } = call
    const { pool, username, password, roles = [], profile = {}, enabled = true } = body
    const { must_change_password: mustChangePassword = false } = body
    requirePermission({ pool }, call)
    checkUser({ pool, roles }, services.config)
    const draft = { pool, username, password, roles, enabled, mustChangePassword }
    const to = { pool, roles, enabled, must_change_password: mustChangePassword }
    const change = { operation: 'createUser', to }
    const respond = (user: UserRecord) => ({ ...show(user), location: `/users/${user.id}` })
    return createOnce(
      call,
      { operation: 'createUser', body: { ...draft, profile, password: null }, id: newUserId(draft, call) },
      {
        async create({ id }, alongside) {
          const setting = settingOf(call, null, 'createUser')
          const user = await refuseAsProblem(() => createUser(draft, services, setting))
          const event = adminEvent(call, 'the user was created', { subject: id, change })
          const statements = [...alongside, services.audit.additionIfChanged(event, context)]
          const added = await services.userAdmin.add([{ ...user, id, profile }], statements)
          if (!added.has(id)) throw takenUsername()
          return respond(await requireUser(id, call))
        },
        async repeat({ id }) {
          const user = await requireUser(id, call)
          if (!(await hasPassword(user, password, call))) throw reusedKey()
          return respond(user)
        },
      },
    )
  },
})

const readUser = operation({
  id: 'readUser',
  method: 'GET',
  path: PATH,
  summary: 'Returns a user',
  tag: 'users',
  role: 'support',
  scope: 'users:read',
  status: 200,
  response: userSchema,
  async handle(call) {
    return show(await requireReadableUser(idOf(call), call))
  },
})

const updateUser = operation({
  id: 'updateUser',
  method: 'PATCH',
  path: PATH,
  summary: 'Changes the given fields; `must_change_password` requires a password change',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  needsVersion: true,
  body: editSchema,
  confirmation: {
    when: FOR_ADMINS,
    async isNeeded(call) {
      if (!call.body.roles?.includes('admin')) return false
      const user = await requireUser(idOf(call), call)
      return !isAdmin(user, call) && isAdmin({ ...user, roles: call.body.roles }, call)
    },
  },
  status: 200,
  response: userSchema,
  async handle(call) {
    const { body, services, context, versions } = call
    const before = await requireUser(idOf(call), call)
    requirePermission(before, call)
    if (versions !== null && !versions.includes(before.version)) throw stale(formatEtag(before.version))
    const { id, pool } = before
    const { roles, must_change_password: mustChangePassword } = body
    const profile = body.profile && replaceTexts(before.profile, body.profile)
    checkUser({ pool, roles: roles ?? [] }, services.config)
    const username = await refuseAsProblem(async () =>
      body.username === undefined ? undefined : requireUsername(body.username, pool, services.config),
    )
    if (username !== undefined && username !== before.username) await checkFree(pool, username, call)
    const search = searchTextOf({ username: username ?? before.username, profile: profile ?? before.profile })
    const edit = { username, roles, profile, search, mustChangePassword }
    const change = { operation: 'updateUser', ...differencesOf(showUser(before), body) }
    const event = adminEvent(call, 'the user was changed', { subject: id, change })
    const conditions = conditionsOf(call, [before.version])
    const losesRole = roles !== undefined && before.roles.some((name) => !roles.includes(name))
    const outcome = losesRole
      ? await services.signOut.reduceUser(
          id,
          { reason: 'a role was removed', edit, conditions, event },
          context,
        )
      : await services.userAdmin.change(id, edit, conditions, [
          services.audit.additionIfChanged(event, context),
        ])
    const user = requireChanged(outcome, 'user', lastAdmin)
    notifyOldAddress(before, user, call)
    return show(user)
  },
})

export const USER_OPERATIONS: readonly Operation[] = [listUsers, createUserOperation, readUser, updateUser]

/** Sends a mail to the verified address that a user has no longer. */
function notifyOldAddress(before: UserRecord, after: UserRecord, call: Call): void {
  const to = verifiedAddressOf(before.profile)
  if (to === null || to === verifiedAddressOf(after.profile)) return
  const concerned = { ...concernedBy(call, after.id), to }
  call.services.notifications.send(concerned, { kind: 'address_changed' }, call.context)
}

/** The id of a new user, in the database for the username. A malformed username is refused later. */
export function newUserId({ pool, username }: PoolName, { services }: Call): string {
  return services.userDatabases.newId({ pool, username: foldUsername(username) })
}

export function idOf({ params }: Call): string {
  return params.id ?? ''
}

/** @throws Problem 404 */
export async function requireUser(id: string, { services }: Call): Promise<UserRecord> {
  const user = await services.userAdmin.find(id)
  if (user === null) throw notFound('user')
  return user
}

/** A user whom the caller may read: service accounts do not read operators. @throws Problem 403, 404 */
export async function requireReadableUser(id: string, call: Call): Promise<UserRecord> {
  const user = await requireUser(id, call)
  if (user.pool === hiddenPoolOf(call)) throw operatorOnly('Service accounts cannot read operators.')
  return user
}

export function show(user: UserRecord): OperationResult<ShownUser> {
  return { body: showUser(user), version: user.version }
}

export function lastAdmin(): Problem {
  return new Problem('last-admin', { detail: 'Make another user an admin first.' })
}

/** Compares with the stored hash, because a fast hash of a password is not stored. @throws OAuthError temporarily_unavailable */
async function hasPassword(user: UserRecord, password: string, { services }: Call): Promise<boolean> {
  const forms = passwordForms(password)
  return forms !== null && services.passwords.verify(forms, user.passwordHash)
}

export function takenUsername(): Problem {
  return new Problem('duplicate', { errors: [TAKEN_USERNAME] })
}

export function conditionsOf({ versions, services, context }: Call, only = versions): UserConditions {
  return { versions: only, adminPool: services.config.adminApi?.userPool ?? null, now: context.now }
}

/** @throws Problem 409 */
async function checkFree(pool: string, username: string, { services }: Call): Promise<void> {
  const taken = await services.users.findByUsername(pool, username, 'primary')
  if (taken !== null) throw takenUsername()
}

/** Runs `work` and converts UserRefused to a problem. @throws Problem 422 */
export async function refuseAsProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UserRefused)) throw error
    throw invalidContent([{ path: error.field, message: error.message }])
  }
}

/** The names of the changed fields, and the values of the fields without personal data. */
function differencesOf(before: ShownUser, body: UserEditBody) {
  const fields = Object.keys(body)
  const nonPersonal = (['roles', 'must_change_password'] as const).filter((field) => fields.includes(field))
  const valuesOf = (user: UserEditBody) =>
    Object.fromEntries(nonPersonal.map((field) => [field, user[field]]))
  return { fields, from: valuesOf(before), to: valuesOf(body) }
}
