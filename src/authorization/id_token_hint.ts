import type { Config } from '../config/config.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Parameters } from '../oauth/parameters.ts'
import { verifyIdTokenHint } from '../tokens/id_token.ts'
import { AuthorizationError } from './authorization_error.ts'
import type { ReturnAddress } from './authorization_request.ts'

/**
 * Reads the user of the `id_token_hint` of an authorization request (OpenID Connect Core §3.1.2.1). No other user may sign in.
 *
 * @returns null without a hint
 * @throws AuthorizationError, StorageUnavailable
 */
export async function readHintedSubject(
  parameters: Parameters,
  address: ReturnAddress,
  { keys, config }: { keys: Pick<KeyRing, 'find'>; config: Pick<Config, 'issuer'> },
  context: RequestContext,
): Promise<string | null> {
  const text = parameters.find('id_token_hint')
  if (text === null) return null
  const expected = { hint: text, clientId: address.clientId }
  const hint = await verifyIdTokenHint(expected, { keys, issuer: config.issuer }, context)
  if (hint === null) throw new AuthorizationError('id_token_hint', address)
  return hint.subject
}
