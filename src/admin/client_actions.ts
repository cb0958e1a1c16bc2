import type { ClientEdit } from '../clients/client_admin_store.ts'
import { adminEvent, byCaller, requireChanged, requireRemoved } from './change.ts'
import { clientSchema, type ShownClient } from './client_schemas.ts'
import { FOR_STORED_POWER, idOf, requireClient, show, unexpected } from './clients.ts'
import { type Call, type Operation, type OperationResult, operation } from './operation.ts'
import { hasAllPermissions, requirePermission } from './permissions.ts'
import { Problem } from './problem.ts'
import { renewCopies } from './renew_copies.ts'

const PATH = '/clients/{client_id}'

const enableClient = operation({
  id: 'enableClient',
  method: 'POST',
  path: `${PATH}/enable`,
  summary: 'Enables a client; earlier tokens stay revoked',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  confirmation: FOR_STORED_POWER,
  status: 200,
  response: clientSchema,
  async handle(call) {
    const { services, context, versions } = call
    const id = idOf(call)
    await requirePermissionForClient(id, call)
    const change = { operation: 'enableClient', to: { enabled: true } }
    const event = adminEvent(call, 'the client was enabled', { clientId: id, change })
    const alongside = [services.audit.additionIfChanged(event, context)]
    const conditions = { versions, now: context.now }
    const outcome = await services.clientAdmin.change(id, { enabled: true }, conditions, alongside)
    const record = requireChanged(outcome, 'client', unexpected)
    await renewCopies(id, call)
    return show(record)
  },
})

const disableClient = operation({
  id: 'disableClient',
  method: 'POST',
  path: `${PATH}/disable`,
  summary: 'Disables a client and revokes all its tokens',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  status: 200,
  response: clientSchema,
  handle: (call) => endTokens(call, { reason: 'the client was disabled', edit: { enabled: false } }),
})

const signOutClient = operation({
  id: 'signOutClient',
  method: 'POST',
  path: `${PATH}/sign-out`,
  summary: 'Revokes all tokens of a client; it can get new tokens',
  tag: 'clients',
  role: 'support',
  scope: 'clients:write',
  status: 200,
  response: clientSchema,
  handle: (call) => endTokens(call, { reason: "the client's tokens were ended" }),
})

const deleteClient = operation({
  id: 'deleteClient',
  method: 'DELETE',
  path: PATH,
  summary: 'Deletes a client and its secrets, and revokes all its tokens',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  needsVersion: true,
  status: 204,
  async handle(call) {
    const { services, context, versions } = call
    const id = idOf(call)
    await checkOthers(id, call)
    const revocation = {
      reason: 'the client was deleted',
      conditions: { versions },
      event: byCaller(call, { operation: 'deleteClient' }),
    }
    const outcome = await services.clientSignOut.remove(id, revocation, context)
    // A repeated call also renews the copies of a deleted client, because the earlier call may have failed to do it.
    if (outcome.kind === 'changed' || outcome.kind === 'missing') await renewCopies(id, call)
    requireRemoved(outcome, 'client', unexpected)
    return { body: undefined }
  },
})

export const CLIENT_ACTIONS: readonly Operation[] = [enableClient, disableClient, signOutClient, deleteClient]

async function endTokens(
  call: Call,
  { reason, edit }: { reason: string; edit?: ClientEdit },
): Promise<OperationResult<ShownClient>> {
  const { services, context, versions } = call
  const id = idOf(call)
  await checkOthers(id, call)
  const change = { operation: edit ? 'disableClient' : 'signOutClient' }
  const revocation = {
    reason,
    conditions: { versions },
    event: byCaller(call, change),
    ...(edit && { edit }),
  }
  const outcome = await services.clientSignOut.end(id, revocation, context)
  const record = requireChanged(outcome, 'client', unexpected)
  await renewCopies(id, call)
  return show(record)
}

/** Operators cannot change their own client. Support cannot change a client of operators. @throws Problem 403, 404, 409 */
async function checkOthers(id: string, call: Call): Promise<void> {
  const { caller } = call
  if (caller.kind === 'operator' && id === caller.clientId) {
    throw new Problem('oneself', { detail: 'You signed in with this client.' })
  }
  await requirePermissionForClient(id, call)
}

/** @throws Problem 403, 404 */
async function requirePermissionForClient(id: string, call: Call): Promise<void> {
  if (!hasAllPermissions(call)) requirePermission(await requireClient(id, call), call)
}
