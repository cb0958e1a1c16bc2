import type { RequestContext } from '../../lib/request_context.ts'
import { invalidClient } from '../../oauth/errors.ts'
import type { StoredClient } from '../client.ts'
import type { ClientProof } from '../client_proof.ts'
import { findSigningKey, parseAssertion } from './verify_assertion.ts'

/** The values of `aud` that a client can use. */
export type AssertionAudiences = Readonly<Record<StoredClient['assertionAudience'], string>>

/** Verifies the assertions of clients (`private_key_jwt`, OpenID Connect Core §9). */
export class AssertionVerifier {
  readonly #audiences: AssertionAudiences

  constructor(audiences: AssertionAudiences) {
    this.#audiences = audiences
  }

  /**
   * Verifies an assertion of a client. It does not check whether the assertion was used before.
   *
   * @param client A client with the method `private_key_jwt`.
   * @throws OAuthError invalid_client
   */
  async verify(text: string, client: StoredClient, { now }: RequestContext): Promise<ClientProof> {
    const audience = this.#audiences[client.assertionAudience]
    const assertion = parseAssertion(text, { clientId: client.id, audience, now })
    const key = await findSigningKey(assertion, client.jwks?.keys ?? [])
    if (key === null) throw invalidClient('no key of the client signed the assertion')
    const { jti, expiresAt } = assertion
    return { method: 'private_key_jwt', key, jti, expiresAt }
  }
}
