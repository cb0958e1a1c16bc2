import type { AuditedChange } from '../audit/audit_event.ts'
import { HASH_COST } from '../clients/caller_budget.ts'
import { makePassword } from '../users/create_user.ts'
import type { UserEdit } from '../users/user_admin_store.ts'
import { adminEvent, byCaller, concernedBy, requireChanged, requireRemoved, settingOf } from './change.ts'
import { ALWAYS, FOR_ADMINS, isAdmin } from './confirmation.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { hasAllPermissions, requirePermission } from './permissions.ts'
import { Problem } from './problem.ts'
import { newPasswordSchema, userSchema } from './user_schemas.ts'
import { conditionsOf, idOf, lastAdmin, refuseAsProblem, requireUser, show } from './users.ts'

const PATH = '/users/{id}'

const enableUser = operation({
  id: 'enableUser',
  method: 'POST',
  path: `${PATH}/enable`,
  summary: 'Enables sign-ins again; revoked tokens stay revoked',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  confirmation: {
    when: FOR_ADMINS,
    async isNeeded(call) {
      const user = await requireUser(idOf(call), call)
      return !user.enabled && isAdmin(user, call)
    },
  },
  status: 200,
  response: userSchema,
  async handle(call) {
    const change = { operation: 'enableUser', to: { enabled: true } }
    return editUser(call, { enabled: true }, { reason: 'the user was enabled', change })
  },
})

const disableUser = operation({
  id: 'disableUser',
  method: 'POST',
  path: `${PATH}/disable`,
  summary: 'Disables sign-ins, and ends every session of the user',
  tag: 'users',
  role: 'support',
  scope: 'users:write',
  status: 200,
  response: userSchema,
  async handle(call) {
    const { services, context } = call
    const id = idOf(call)
    refuseOneself(id, call)
    await requirePermissionForUser(id, call)
    const revocation = {
      reason: 'the user was disabled',
      edit: { enabled: false },
      conditions: conditionsOf(call),
      event: byCaller(call, { operation: 'disableUser', to: { enabled: false } }),
    }
    const outcome = await services.signOut.endUser(id, revocation, context)
    return show(requireChanged(outcome, 'user', lastAdmin))
  },
})

const signOutUser = operation({
  id: 'signOutUser',
  method: 'POST',
  path: `${PATH}/sign-out`,
  summary: 'Ends every session of the user',
  tag: 'users',
  role: 'support',
  scope: 'sessions:end',
  status: 200,
  response: userSchema,
  async handle(call) {
    const { services, context } = call
    const id = idOf(call)
    await requirePermissionForUser(id, call)
    const revocation = {
      reason: 'signed out everywhere',
      conditions: conditionsOf(call),
      event: byCaller(call, { operation: 'signOutUser' }),
    }
    const outcome = await services.signOut.endUser(id, revocation, context)
    return show(requireChanged(outcome, 'user', lastAdmin))
  },
})

const requirePasswordChange = operation({
  id: 'requirePasswordChange',
  method: 'POST',
  path: `${PATH}/require-password-change`,
  summary: 'Requires a password change: access tokens have a claim until the user has a new password',
  tag: 'users',
  role: 'support',
  scope: 'users:write',
  status: 200,
  response: userSchema,
  async handle(call) {
    const change = { operation: 'requirePasswordChange', to: { must_change_password: true } }
    return editUser(call, { mustChangePassword: true }, { reason: 'a password change is required', change })
  },
})

const setPassword = operation({
  id: 'setPassword',
  method: 'POST',
  path: `${PATH}/password`,
  summary: 'Sets a new password, and ends every session of the user and a lock of the account',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  body: newPasswordSchema,
  // A service account sets passwords of the users of an application, and never those of operators.
  confirmation: { ...ALWAYS, exemptsServiceAccounts: true },
  costOf: () => HASH_COST,
  status: 200,
  response: userSchema,
  async handle(call) {
    const { services, context, body } = call
    const id = idOf(call)
    requirePermission(await requireUser(id, call), call)
    const mustChangePassword = body.must_change_password ?? false
    const setting = settingOf(call, id, 'setPassword')
    const password = await refuseAsProblem(() => makePassword(body.password, services, setting))
    const revocation = {
      reason: 'the password was changed',
      edit: { ...password, mustChangePassword },
      conditions: conditionsOf(call),
      event: byCaller(call, { operation: 'setPassword', to: { must_change_password: mustChangePassword } }),
    }
    const user = requireChanged(await services.signOut.endUser(id, revocation, context), 'user', lastAdmin)
    services.guard.release(user, context)
    services.notifications.send(concernedBy(call, id), { kind: 'password_changed' }, context)
    return show(user)
  },
})

const deleteUser = operation({
  id: 'deleteUser',
  method: 'DELETE',
  path: PATH,
  summary:
    'Deletes the user and ends every session of the user; the audit trail keeps the id, networks, devices and countries',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  needsVersion: true,
  status: 204,
  async handle(call) {
    const { services, context } = call
    const id = idOf(call)
    refuseOneself(id, call)
    await requirePermissionForUser(id, call)
    const revocation = {
      reason: 'the user was deleted',
      conditions: conditionsOf(call),
      event: byCaller(call, { operation: 'deleteUser' }),
    }
    requireRemoved(await services.signOut.removeUser(id, revocation, context), 'user', lastAdmin)
    return { body: undefined }
  },
})

export const USER_ACTIONS: readonly Operation[] = [
  enableUser,
  disableUser,
  signOutUser,
  requirePasswordChange,
  setPassword,
  deleteUser,
]

/** Changes a user, and records the event in the same transaction. @throws Problem 403, 404, 409, 412 */
async function editUser(
  call: Call,
  edit: UserEdit,
  { reason, change }: { reason: string; change: AuditedChange },
) {
  const { services, context } = call
  const id = idOf(call)
  await requirePermissionForUser(id, call)
  const event = adminEvent(call, reason, { subject: id, change })
  const alongside = [services.audit.additionIfChanged(event, context)]
  const outcome = await services.userAdmin.change(id, edit, conditionsOf(call), alongside)
  return show(requireChanged(outcome, 'user', lastAdmin))
}

/** @throws Problem 403, 404 */
export async function requirePermissionForUser(id: string, call: Call): Promise<void> {
  if (!hasAllPermissions(call)) requirePermission(await requireUser(id, call), call)
}

/** @throws Problem 409 */
export function refuseOneself(id: string, { caller }: Call): void {
  if (caller.kind === 'operator' && id === caller.user.id)
    throw new Problem('oneself', { detail: 'Another admin can do it.' })
}
