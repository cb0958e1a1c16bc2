import { decodeJwt } from 'jose'
import {
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  clientCredentialsGrantRequest,
  clockSkew,
  customFetch,
  discoveryRequest,
  genericTokenEndpointRequest,
  None,
  PrivateKeyJwt,
  processClientCredentialsResponse,
  processDiscoveryResponse,
  processGenericTokenEndpointResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { KeyClient, newKey } from './support/assertions.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from './support/server.ts'

interface LibraryRequest {
  method: string
  headers: Record<string, string>
  body?: URLSearchParams | undefined
}

/** oauth4webapi, configured only with the issuer. */
class LibraryClient {
  readonly #options: { [customFetch]: (url: string, init: LibraryRequest) => Promise<Response> }
  readonly #client: Client
  readonly #auth: ClientAuth

  constructor(server: TestServer, client: TestClient, auth: ClientAuth) {
    const skew = server.clock.time - Math.floor(Date.now() / 1000)
    this.#client = { client_id: client.id, [clockSkew]: skew }
    this.#auth = auth
    this.#options = {
      [customFetch]: (url, { method, headers, body }) =>
        server.fetch(url.slice(ISSUER.length), { method, headers, body: body ?? null }),
    }
  }

  async discover(algorithm: 'oauth2' | 'oidc'): Promise<AuthorizationServer> {
    const response = await discoveryRequest(new URL(ISSUER), { algorithm, ...this.#options })
    return processDiscoveryResponse(new URL(ISSUER), response)
  }

  async passwordGrant(as: AuthorizationServer, username: string) {
    const parameters = { username, password: PASSWORD, scope: 'cart' }
    const response = await genericTokenEndpointRequest(
      as,
      this.#client,
      this.#auth,
      'password',
      parameters,
      this.#options,
    )
    return processGenericTokenEndpointResponse(as, this.#client, response)
  }

  async refresh(as: AuthorizationServer, token: string) {
    const response = await refreshTokenGrantRequest(as, this.#client, this.#auth, token, this.#options)
    return processRefreshTokenResponse(as, this.#client, response)
  }

  async clientCredentials(as: AuthorizationServer) {
    const response = await clientCredentialsGrantRequest(as, this.#client, this.#auth, {}, this.#options)
    return processClientCredentialsResponse(as, this.#client, response)
  }
}

describe('oauth4webapi', () => {
  it.each([
    ['client_secret_basic', ClientSecretBasic],
    ['client_secret_post', ClientSecretPost],
  ] as const)('oauth4webapi discovers the server and runs every grant with %s', async (_name, method) => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const library = new LibraryClient(server, client, method(client.secret))
    for (const algorithm of ['oauth2', 'oidc'] as const) {
      const as = await library.discover(algorithm)
      const signedIn = await library.passwordGrant(as, user.username)
      expect(decodeJwt(signedIn.access_token).sub).toBe(user.id)
      const refreshed = await library.refresh(as, signedIn.refresh_token ?? '')
      expect(decodeJwt(refreshed.access_token)).toMatchObject({ sub: user.id, scope: 'cart' })
      const machine = await library.clientCredentials(as)
      expect(machine).toMatchObject({ token_type: 'bearer', expires_in: 3600 })
    }
  })

  it.each(['ES256', 'RS256', 'PS256', 'Ed25519'] as const)(
    'oauth4webapi runs every grant with private_key_jwt and a key for %s',
    async (alg) => {
      const server = new TestServer()
      const { id, client, key } = await KeyClient.add(server, {}, await newKey(alg))
      const user = await server.addUser()
      const auth = PrivateKeyJwt({ key: key.privateKey, kid: String(key.jwk.kid) })
      const library = new LibraryClient(server, client, auth)
      const as = await library.discover('oauth2')
      expect(as.token_endpoint_auth_signing_alg_values_supported).toContain(alg)
      const signedIn = await library.passwordGrant(as, user.username)
      await library.refresh(as, signedIn.refresh_token ?? '')
      const machine = await library.clientCredentials(as)
      expect(decodeJwt(machine.access_token)).toMatchObject({ sub: id, client_id: id })
    },
  )

  it('oauth4webapi runs the password grant and a refresh as a public client', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    const user = await server.addUser()
    const library = new LibraryClient(server, client, None())
    const as = await library.discover('oauth2')
    const signedIn = await library.passwordGrant(as, user.username)
    await library.refresh(as, signedIn.refresh_token ?? '')
  })
})
