import * as z from 'zod/mini'
import type { FactorChange } from '../mail/mail.ts'
import { byCaller, concernedBy, requireChanged } from './change.ts'
import { type Call, type ConfirmationRule, type Operation, operation } from './operation.ts'
import { hasAllPermissions } from './permissions.ts'
import { notFound } from './problem.ts'
import { named } from './schemas.ts'
import { refuseOneself, requirePermissionForUser } from './user_actions.ts'
import { idOf, lastAdmin, requireReadableUser, requireUser } from './users.ts'

const PATH = '/users/{id}/factors'

/** The id of the authenticator app of a user. A user has at most one. */
const APP = 'totp'

export const factorSchema = named(
  'Factor',
  z.strictObject({
    /** `totp` for the authenticator app, or the id of a passkey. */
    factor_id: z.string(),
    kind: z.enum([APP, 'passkey']),
    /** The user's name for a passkey; null for an authenticator app. */
    name: z.nullable(z.string()),
    created_at: z.int(),
    /** Null if the factor was never used. */
    last_used_at: z.nullable(z.int()),
    /** The unused recovery codes; null for a passkey. */
    recovery_codes_left: z.nullable(z.int()),
  }),
)
type ShownFactor = z.output<typeof factorSchema>

/** The authenticator app first, then the passkeys, oldest first. */
export const factorsSchema = named('Factors', z.strictObject({ items: z.array(factorSchema) }))

/** A stolen access token must not remove the second factor of another operator. */
const FOR_OPERATORS: ConfirmationRule<unknown, unknown> = {
  when: 'if the user is an operator',
  /** A caller who may not change operators is refused for that reason. */
  async isNeeded(call) {
    if (!hasAllPermissions(call)) return false
    return (await requireUser(idOf(call), call)).pool === call.services.config.adminApi?.userPool
  },
}

const listUserFactors = operation({
  id: 'listUserFactors',
  method: 'GET',
  path: PATH,
  summary: 'Lists the second factors and passkeys of a user, without their secrets',
  tag: 'users',
  role: 'support',
  scope: 'users:read',
  status: 200,
  response: factorsSchema,
  async handle(call) {
    const { id } = await requireReadableUser(idOf(call), call)
    return { body: { items: await listFactorsOf(id, call) } }
  },
})

const removeFactor = operation({
  id: 'removeFactor',
  method: 'DELETE',
  path: `${PATH}/{factor_id}`,
  summary:
    'Removes a passkey, or the authenticator app with its recovery codes, and ends every session of the user',
  tag: 'users',
  role: 'support',
  scope: 'users:write',
  confirmation: FOR_OPERATORS,
  status: 204,
  handle: (call) => removeFactors(call, ({ factor_id: id }) => id === call.params.factor_id, 'removeFactor'),
})

const removeAllFactors = operation({
  id: 'removeAllFactors',
  method: 'DELETE',
  path: PATH,
  summary: 'Removes every second factor and passkey of a user, and ends every session of the user',
  tag: 'users',
  role: 'support',
  scope: 'users:write',
  confirmation: FOR_OPERATORS,
  status: 204,
  handle: (call) => removeFactors(call, () => true, 'removeAllFactors'),
})

export const USER_FACTORS: readonly Operation[] = [listUserFactors, removeFactor, removeAllFactors]

/** The second factors of a user. @throws StorageUnavailable, CorruptRecord */
export async function listFactorsOf(
  subject: string,
  { services }: Pick<Call, 'services'>,
): Promise<ShownFactor[]> {
  const [summaries, passkeys] = await Promise.all([
    services.factors.list(subject),
    services.passkeyStore.list(subject),
  ])
  const codesLeft = summaries.find(({ kind }) => kind === 'recovery_codes')?.left ?? 0
  const apps = summaries.filter(({ kind }) => kind === APP)
  return [
    ...apps.map(({ createdAt, lastUsedAt }) => ({
      ...({ factor_id: APP, kind: APP, name: null } as const),
      created_at: createdAt,
      last_used_at: lastUsedAt,
      recovery_codes_left: codesLeft,
    })),
    ...passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({
      ...({ factor_id: id, kind: 'passkey', name } as const),
      created_at: createdAt,
      last_used_at: lastUsedAt,
      recovery_codes_left: null,
    })),
  ]
}

/**
 * Removes factors and ends every session of the user in one transaction: a stolen device may have begun the sessions, and sessions
 * after a second factor must not continue without one.
 *
 * @throws Problem 403, 404 if no factor is selected, 409 for the caller's own factors
 */
async function removeFactors(
  call: Call,
  isRemoved: (factor: ShownFactor) => boolean,
  operationId: 'removeFactor' | 'removeAllFactors',
): Promise<{ body: undefined }> {
  const { services, context } = call
  const id = idOf(call)
  // Otherwise a stolen token could remove the factors of its operator.
  refuseOneself(id, call)
  await requirePermissionForUser(id, call)
  await requireUser(id, call)
  const removed = (await listFactorsOf(id, call)).filter(isRemoved)
  if (removed.length === 0) throw notFound('factor')
  const from = { factors: removed.map(({ factor_id: factorId }) => factorId) }
  const revocation = {
    reason: reasonOf(removed),
    event: byCaller(call, { operation: operationId, from }),
    alongside: removed.flatMap(({ kind, factor_id: factorId }) =>
      kind === APP
        ? services.factors.removals({ subject: id, remaining: null })
        : [services.passkeyStore.removal({ id: factorId, subject: id, remaining: null })],
    ),
  }
  requireChanged(await services.signOut.endUser(id, revocation, context), 'user', lastAdmin)
  for (const change of changesOf(removed))
    services.notifications.send(concernedBy(call, id), { kind: 'factor_changed', change }, context)
  return { body: undefined }
}

/** One mail for the authenticator app, and one for all passkeys. */
function changesOf(removed: readonly ShownFactor[]): Iterable<FactorChange> {
  return new Set(removed.map(({ kind }) => (kind === APP ? 'totp_removed' : 'passkey_removed')))
}

/** The reason in the audit trail and in "Why signed out?". */
function reasonOf(removed: readonly ShownFactor[]): string {
  const [first] = removed
  if (removed.length > 1) return 'the second factors were removed'
  return first?.kind === APP
    ? 'the authenticator app and the recovery codes were removed'
    : `the passkey ${first?.factor_id} was removed`
}
