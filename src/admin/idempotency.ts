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

/** A repeat within this time gets the same record or secret. */
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

interface Made {
  /** The id of the created record or secret. */
  id: string
  /** The secret of this id: derived from the key, or random without a key. */
  makeSecret(): Promise<string>
}

interface Steps<M, T> {
  /** Stores the record in one transaction with the statements `alongside`. They do nothing if `changes()` is 0. */
  create(made: M, alongside: Statements): Promise<T>
  /** Responds again with the record of the earlier request. */
  repeat(made: M): Promise<T>
}

/** A request that creates a record or a secret. */
interface Creation {
  operation: string
  /** The checked body of the request, without passwords: the database keeps a fast hash of it. */
  body: unknown
}

/**
 * Creates a secret once for each Idempotency-Key. The secret is derived from the key, so the server can repeat the response
 * and stores only hashes.
 *
 * @throws Problem 422 as `createOnce`
 */
export function createSecretOnce<T>(
  call: Call,
  creation: Creation,
  { create, repeat }: Steps<MadeSecret, T>,
): Promise<T> {
  const withSecret = async ({ id, makeSecret }: Made) => ({ id, secret: await makeSecret() })
  return createOnce(
    call,
    { ...creation, id: generateSecretId() },
    {
      create: async (made, alongside) => create(await withSecret(made), alongside),
      repeat: async (made) => repeat(await withSecret(made)),
    },
  )
}

/**
 * Creates a record once for each Idempotency-Key. A failed request does not use up its key.
 *
 * @param creation.id The id of the record, if the request is not a repeat.
 * @throws Problem 422 if the key was used for another request, or before a change of SEALING_KEY
 */
export async function createOnce<T>(
  call: Call,
  { operation, body, id }: Creation & { id: string },
  { create, repeat }: Steps<Made, T>,
): Promise<T> {
  const { idempotencyKey: key, context, services } = call
  if (key === null) return create({ id, makeSecret: async () => generateClientSecret() }, [])
  const hashes = services.idempotencyHashes
  const parts = JSON.stringify([operation, call.params, body])
  const request = {
    keyHash: await hashKey(call, key),
    requestHash: await hashRequest(parts, hashes[0]),
    secretId: id,
  }
  const findEarlier = () => findMade(call, { key, keyHash: request.keyHash, parts })
  const earlier = await findEarlier()
  if (earlier !== null) return repeat(earlier)
  const addition = services.idempotency.additionIfChanged(request, context.now + KEY_LIFETIME_SECONDS)
  try {
    return await create(madeFrom(key, id, hashes[0]), [addition])
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
 * The record of an earlier request with the key; null if the key is new. Only the SEALING_KEY of the earlier request derives its
 * secret.
 *
 * @throws Problem 422 if the request differs, or if the server no longer has the SEALING_KEY
 */
async function findMade(
  { services, context }: Call,
  { key, keyHash, parts }: { key: string; keyHash: string; parts: string },
): Promise<Made | null> {
  const earlier = await services.idempotency.find(keyHash, context.now)
  if (earlier === null) return null
  for (const hash of services.idempotencyHashes) {
    if ((await hashRequest(parts, hash)) === earlier.requestHash) return madeFrom(key, earlier.secretId, hash)
  }
  throw reusedKey()
}

export function reusedKey(): Problem {
  return new Problem('idempotency-key-reused', {
    detail: 'The operation, its path or its body differs, or SEALING_KEY has changed since.',
  })
}

/** The id makes the secret of a key differ after the key has expired. */
function madeFrom(key: string, id: string, hash: KeyedHash): Made {
  return { id, makeSecret: async () => formatClientSecret(await hash.digest('secret', id, key)) }
}
