import * as z from 'zod/mini'
import { secretsOf } from '../clients/client.ts'
import { hashSecret } from '../clients/client_secret.ts'
import { adminEvent, requireChanged } from './change.ts'
import { clientSchema, clientWithSecretSchema } from './client_schemas.ts'
import { FOR_STORED_POWER, idOf, requireClient, show, showWithSecret } from './clients.ts'
import { createSecretOnce } from './idempotency.ts'
import { type Operation, operation } from './operation.ts'
import { requirePermission } from './permissions.ts'
import { invalidContent, notFound, Problem } from './problem.ts'
import { renewCopies, tryToRenewCopies } from './renew_copies.ts'
import { named, unixSeconds } from './schemas.ts'

const retirementSchema = named('SecretRetirement', z.strictObject({ expires_at: z.optional(unixSeconds) }))

const addClientSecret = operation({
  id: 'addClientSecret',
  method: 'POST',
  path: '/clients/{client_id}/secrets',
  summary: 'Adds a second secret; only this response has it',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  isIdempotent: true,
  confirmation: FOR_STORED_POWER,
  status: 201,
  response: clientWithSecretSchema,
  async handle(call) {
    const { services, context, versions } = call
    const client = await requireClient(idOf(call), call)
    requirePermission(client, call)
    const { id, api } = client
    return createSecretOnce(
      call,
      { operation: 'addClientSecret', body: null },
      {
        async create(made, alongside) {
          const stored = await hashSecret(made)
          const change = { operation: 'addClientSecret', to: { secret_id: stored.id } }
          const event = adminEvent(call, 'a secret was added', { api, clientId: id, change })
          const statements = [...alongside, services.audit.additionIfChanged(event, context)]
          const conditions = { versions, now: context.now }
          const outcome = await services.clientAdmin.addSecret(id, stored, conditions, statements)
          const record = requireChanged(outcome, 'client', secretConflict)
          await tryToRenewCopies(id, call)
          return showWithSecret(record, made)
        },
        repeat: async (made) => showWithSecret(await requireClient(id, call), made),
      },
    )
  },
})

function secretConflict(): Problem {
  const detail = 'The client is public, has keys, or has two live secrets. Retire one first.'
  return new Problem('secret-conflict', { detail })
}

const retireClientSecret = operation({
  id: 'retireClientSecret',
  method: 'POST',
  path: '/clients/{client_id}/secrets/{secret_id}/retire',
  summary: 'Retires a secret now, or at `expires_at`; tokens stay valid until a sign-out',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  body: retirementSchema,
  status: 200,
  response: clientSchema,
  async handle(call) {
    const { services, context, versions, params, body } = call
    const client = await requireClient(idOf(call), call)
    requirePermission(client, call)
    const { id, api, authentication } = client
    const { secret_id: secretId = '' } = params
    if (!secretsOf(authentication).some((secret) => secret.id === secretId)) throw notFound('secret')
    const { expires_at: expiresAt = context.now } = body
    if (expiresAt < context.now)
      throw invalidContent([{ path: 'expires_at', message: 'must not be in the past' }])
    const change = { operation: 'retireClientSecret', to: { secret_id: secretId, expires_at: expiresAt } }
    const event = adminEvent(call, 'a secret was retired', { api, clientId: id, change })
    const alongside = [services.audit.additionIfChanged(event, context)]
    const conditions = { versions, now: context.now }
    const outcome = await services.clientAdmin.endSecret(id, { secretId, expiresAt }, conditions, alongside)
    const record = requireChanged(outcome, 'client', () => {
      return new Problem('secret-conflict', { detail: 'The secret has already ended.' })
    })
    await renewCopies(id, call)
    return show(record)
  },
})

export const SECRET_OPERATIONS: readonly Operation[] = [addClientSecret, retireClientSecret]
