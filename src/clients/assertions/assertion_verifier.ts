import type { RequestContext } from '../../lib/request_context.ts'
import { invalidClient, temporarilyUnavailable } from '../../oauth/errors.ts'
import type { StoredClient } from '../client.ts'
import type { ClientProof } from '../client_proof.ts'
import type { RemoteKeys } from './remote_keys.ts'
import { findSigningKey, type ParsedAssertion, parseAssertion } from './verify_assertion.ts'

/** The values of `aud` that a client can use. */
export type AssertionAudiences = Readonly<Record<StoredClient['assertionAudience'], string>>

/** Verifies the assertions of clients (`private_key_jwt`, OpenID Connect Core §9). */
export class AssertionVerifier {
  readonly #audiences: AssertionAudiences
  readonly #remoteKeys: RemoteKeys

  constructor(audiences: AssertionAudiences, remoteKeys: RemoteKeys) {
    this.#audiences = audiences
    this.#remoteKeys = remoteKeys
  }

  /**
   * Verifies an assertion of a client. It does not check whether the assertion was used before.
   *
   * @param client A client with the method `private_key_jwt`.
   * @throws OAuthError invalid_client; temporarily_unavailable if the keys of the client cannot be fetched, or are too old to have the key
   */
  async verify(text: string, client: StoredClient, context: RequestContext): Promise<ClientProof> {
    const audience = this.#audiences[client.assertionAudience]
    const assertion = parseAssertion(text, { clientId: client.id, audience, now: context.now })
    const { jwks, jwksUri } = client
    const key =
      jwksUri === null
        ? await findSigningKey(assertion, jwks?.keys ?? [])
        : await this.#findRemoteKey(assertion, jwksUri, context)
    if (key === null) {
      const reason = 'no key of the client signed the assertion'
      throw client.hasOldKeys ? temporarilyUnavailable(reason) : invalidClient(reason)
    }
    const { jti, expiresAt } = assertion
    return { method: 'private_key_jwt', key, jti, expiresAt }
  }

  /** @returns the URI if one of its keys signed the assertion, else null */
  async #findRemoteKey(
    assertion: ParsedAssertion,
    uri: string,
    context: RequestContext,
  ): Promise<string | null> {
    const keys = await this.#remoteKeys.find(uri, context)
    if ((await findSigningKey(assertion, keys)) !== null) return uri
    // A key with this `kid` did not sign it, so a newer document would not help.
    if (assertion.kid !== null && keys.some(({ kid }) => kid === assertion.kid)) return null
    const newer = await this.#remoteKeys.findNewer(uri, context)
    return newer !== null && (await findSigningKey(assertion, newer)) !== null ? uri : null
  }
}
