import * as z from 'zod/mini'
import type { Config } from '../config/config.ts'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../config/signing_algorithm.ts'
import type { KeyEntry } from '../keys/key_life.ts'
import { TooManyKeys } from '../keys/key_maker.ts'
import { LEAD_LIMITS, liveAlgorithms } from '../keys/key_schedule.ts'
import { actorOf } from './change.ts'
import { ALWAYS } from './confirmation.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { notFound, Problem } from './problem.ts'
import { named } from './schemas.ts'

export const keySchema = named(
  'SigningKey',
  z.strictObject({
    kid: z.string(),
    alg: z.string(),
    state: z.enum(['next', 'current', 'verifying', 'retired']),
    created_at: z.int(),
    activates_at: z.int(),
    retires_at: z.nullable(z.int()),
    reason: z.nullable(z.enum(['ended', 'compromised'])),
  }),
)
export const keysSchema = named('SigningKeys', z.strictObject({ items: z.array(keySchema) }))
const resealingSchema = named(
  'Resealing',
  z.strictObject({ resealed: z.array(z.string()), unopened: z.array(z.string()) }),
)

const listKeys = operation({
  id: 'listKeys',
  method: 'GET',
  path: '/keys',
  summary: 'Lists signing keys, newest first, including retired keys',
  tag: 'keys',
  role: 'support',
  scope: 'keys:write',
  status: 200,
  response: keysSchema,
  async handle({ services, context }) {
    return { body: { items: (await services.keyLife.list(context)).map(showKey) } }
  },
})

const BAD_LEAD = `must be seconds, from ${LEAD_LIMITS.min} to ${LEAD_LIMITS.max}`

const BAD_ALGORITHM = 'must be an algorithm that signs: signing_algorithm, or RS256 or ES256 with openid'

const rotateKeys = operation({
  id: 'rotateKeys',
  method: 'POST',
  path: '/keys/rotate',
  summary:
    'Makes the next key of `alg` sign early, `lead_seconds` after it was published (1800 by default). The default of `alg` is `signing_algorithm`. Tokens stay valid',
  tag: 'keys',
  role: 'admin',
  scope: 'keys:write',
  query: z.strictObject({
    lead_seconds: z.optional(
      z.int(BAD_LEAD).check(z.gte(LEAD_LIMITS.min, BAD_LEAD), z.lte(LEAD_LIMITS.max, BAD_LEAD)),
    ),
    alg: z.optional(z.enum(SIGNING_ALGORITHMS, BAD_ALGORITHM)),
  }),
  status: 200,
  response: keySchema,
  async handle(call) {
    const { lead_seconds: leadSeconds, alg } = call.query
    requireLive(alg, call.services.config)
    const key = await rotate(call, { leadSeconds, alg })
    if (key === null) throw notFound('key')
    return { body: showKey(key) }
  },
})

const revokeKey = operation({
  id: 'revokeKey',
  method: 'DELETE',
  path: '/keys/{kid}',
  summary: 'Revokes a compromised key at once, with all tokens that it signed',
  tag: 'keys',
  role: 'admin',
  scope: null,
  confirmation: ALWAYS,
  status: 200,
  response: keySchema,
  async handle(call) {
    const key = await call.services.keyLife.revokeCompromised(
      call.params.kid ?? '',
      call.context,
      actorOf(call),
    )
    if (key === null) throw notFound('key')
    return { body: showKey(key) }
  },
})

const resealKeys = operation({
  id: 'resealKeys',
  method: 'POST',
  path: '/keys/reseal',
  summary: 'Seals the private keys under the newer secret during a change of SEALING_KEY',
  tag: 'keys',
  role: 'admin',
  scope: 'keys:write',
  status: 200,
  response: resealingSchema,
  async handle(call) {
    return { body: await call.services.keyLife.reseal(call.context, actorOf(call)) }
  },
})

export const KEY_OPERATIONS: readonly Operation[] = [listKeys, rotateKeys, resealKeys, revokeKey]

/** @throws Problem 400 for an algorithm that signs nothing */
function requireLive(alg: SigningAlgorithm | undefined, config: Config): void {
  if (alg === undefined || liveAlgorithms(config).includes(alg)) return
  throw new Problem('invalid-query', { errors: [{ path: 'alg', message: BAD_ALGORITHM }] })
}

/** @throws Problem 409 */
async function rotate(
  call: Call,
  rotation: { leadSeconds: number | undefined; alg: SigningAlgorithm | undefined },
): Promise<KeyEntry | null> {
  try {
    return await call.services.keyLife.rotateNow(call.context, { ...rotation, by: actorOf(call) })
  } catch (error) {
    if (!(error instanceof TooManyKeys)) throw error
    const detail = 'Too many keys are published. Wait until the cron trigger has retired a key.'
    throw new Problem('conflict', { detail })
  }
}

function showKey(key: KeyEntry): z.output<typeof keySchema> {
  const { kid, alg, state, createdAt, activatesAt, retiresAt, reason } = key
  return {
    kid,
    alg,
    state,
    created_at: createdAt,
    activates_at: activatesAt,
    retires_at: retiresAt,
    reason,
  }
}
