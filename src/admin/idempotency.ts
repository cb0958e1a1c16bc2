import type { Context } from 'hono'
import { base64url } from 'jose'
import { formatClientSecret, generateClientSecret, generateSecretId } from '../clients/client_secret.ts'
import { sha256 } from '../lib/bytes.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Statements } from '../storage/idempotency_store.ts'
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
 * @throws Problem 422 if the key was used for another request, or before a change of SEALING_KEY
 */
export async function createSecretOnce<T>(
  call: Call,
  { operation, body }: { operation: string; body: unknown },
  { create, repeat }: SecretSteps<T>,
): Promise<T> {
  const { idempotencyKey: key, context, services } = call
  if (key === null) return create({ id: generateSecretId(), secret: generateClientSecret() }, [])
  const hashes = services.idempotencyHashes
  const parts = JSON.stringify([operation, call.params, body])
  const request = {
    keyHash: await hashKey(call, key),
    requestHash: await hashRequest(parts, hashes[0]),
    secretId: generateSecretId(),
  }
  const findEarlier = () => findSecret(call, { key, keyHash: request.keyHash, parts })
  const earlier = await findEarlier()
  if (earlier !== null) return repeat(earlier)
  const addition = services.idempotency.additionIfChanged(request, context.now + KEY_LIFETIME_SECONDS)
  try {
    return await create(await deriveSecret(key, request.secretId, hashes[0]), [addition])
  } catch (error) {
    // A parallel request with the key can be the cause.
    const parallel = await findEarlier()
    if (parallel === null) throw error
    return repeat(parallel)
  }
}

/** A hash without SEALING_KEY, so that the server finds the request after a change of SEALING_KEY. */
async function hashKey(call: Call, key: string): Promise<string> {
  const { subject, clientId } = actorOf(call)
  return base64url.encode(await sha256([subject, clientId, key].join('\0')))
}

function hashRequest(parts: string, hash: KeyedHash): Promise<string> {
  return hash.name('request', parts)
}

/**
 * The secret of an earlier request with the key; null if the key is new. Only the SEALING_KEY of the earlier request derives its
 * secret.
 *
 * @throws Problem 422 if the request differs, or if the server no longer has the SEALING_KEY
 */
async function findSecret(
  { services, context }: Call,
  { key, keyHash, parts }: { key: string; keyHash: string; parts: string },
): Promise<MadeSecret | null> {
  const earlier = await services.idempotency.find(keyHash, context.now)
  if (earlier === null) return null
  for (const hash of services.idempotencyHashes) {
    if ((await hashRequest(parts, hash)) === earlier.requestHash)
      return deriveSecret(key, earlier.secretId, hash)
  }
  throw new Problem('idempotency-key-reused', {
    detail: 'The operation, its path or its body differs, or SEALING_KEY has changed since.',
  })
}

/** The id makes the secret of a key differ after the key has expired. */
async function deriveSecret(key: string, id: string, hash: KeyedHash): Promise<MadeSecret> {
  return { id, secret: formatClientSecret(await hash.digest('secret', id, key)) }
}
