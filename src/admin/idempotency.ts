import type { Context } from 'hono'
import { formatClientSecret, generateClientSecret, generateSecretId } from '../clients/client_secret.ts'
import type { KeyedRequest, Statements } from '../storage/idempotency_store.ts'
import { actorOf } from './change.ts'
import type { Call, Operation } from './operation.ts'
import { Problem } from './problem.ts'

/** draft-ietf-httpapi-idempotency-key-header-07 §2.1 */
export const IDEMPOTENCY_HEADER = 'Idempotency-Key'

/** A repeat within this time gets the same secret. */
export const KEY_LIFETIME_SECONDS = 900

/** A string of RFC 9651 §3.3.3 with 1 to 255 characters and without escapes. */
const KEY = /^"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"$/

/** The key in the header; null if the header is absent or the operation does not use it. @throws Problem 400 */
export function readIdempotencyKey(c: Context, { isIdempotent }: Operation): string | null {
  const header = c.req.header(IDEMPOTENCY_HEADER)
  if (header === undefined || !isIdempotent) return null
  const [, key] = KEY.exec(header.trim()) ?? []
  if (key !== undefined) return key
  throw new Problem('malformed-request', {
    detail: `${IDEMPOTENCY_HEADER} must be 1 to 255 ASCII characters in double quotes.`,
  })
}

/** A secret in a response. */
export interface MadeSecret {
  id: string
  secret: string
}

interface SecretSteps<T> {
  /** Stores the secret in one transaction with the statements `alongside`. They do nothing if `changes()` is 0. */
  create(made: MadeSecret, alongside: Statements): Promise<T>
  /** Responds again with the secret of the earlier request. */
  repeat(made: MadeSecret): Promise<T>
}

/**
 * Creates a secret once for each Idempotency-Key. The secret is derived from the key, so the server can repeat the response
 * and stores only hashes. A failed request does not use up its key.
 *
 * @param body The checked body of the request.
 * @throws Problem 422 if the key was used for another request
 */
export async function createSecretOnce<T>(
  call: Call,
  { operation, body }: { operation: string; body: unknown },
  { create, repeat }: SecretSteps<T>,
): Promise<T> {
  const { idempotencyKey: key, context, services } = call
  if (key === null) return create({ id: generateSecretId(), secret: generateClientSecret() }, [])
  const request = await identify(call, key, [operation, call.params, body])
  const findEarlier = () => findSecret(call, key, request)
  const earlier = await findEarlier()
  if (earlier !== null) return repeat(earlier)
  const addition = services.idempotency.additionIfChanged(request, context.now + KEY_LIFETIME_SECONDS)
  try {
    return await create(await deriveSecret(call, key, request), [addition])
  } catch (error) {
    // A parallel request with the key can be the cause.
    const parallel = await findEarlier()
    if (parallel === null) throw error
    return repeat(parallel)
  }
}

async function identify(call: Call, key: string, parts: readonly unknown[]): Promise<KeyedRequest> {
  const { subject, clientId } = actorOf(call)
  const { idempotencyHash } = call.services
  return {
    keyHash: await idempotencyHash.name('key', subject, clientId, key),
    requestHash: await idempotencyHash.name('request', JSON.stringify(parts)),
    secretId: generateSecretId(),
  }
}

/** The secret of an earlier request with the key; null if the key is new. @throws Problem 422 */
async function findSecret(call: Call, key: string, request: KeyedRequest): Promise<MadeSecret | null> {
  const earlier = await call.services.idempotency.find(request.keyHash, call.context.now)
  if (earlier === null) return null
  if (earlier.requestHash !== request.requestHash) throw new Problem('idempotency-key-reused')
  return deriveSecret(call, key, earlier)
}

/** The id makes the secret of a key differ after the key has expired. */
async function deriveSecret(call: Call, key: string, { secretId: id }: KeyedRequest): Promise<MadeSecret> {
  const bits = await call.services.idempotencyHash.digest('secret', id, key)
  return { id, secret: formatClientSecret(bits) }
}
