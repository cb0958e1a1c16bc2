import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { expect, it } from 'vitest'
import { CALLBACK, CODE_CLIENT, newCode, VERIFIER } from '../support/authorize.ts'
import { emptyStores, ISSUER, TestServer } from '../support/server.ts'

interface LibraryRequest {
  method: string
  headers: Record<string, string>
  body?: URLSearchParams | undefined
}

/** The requests of the library, and the statuses of the responses. */
function transportTo(server: TestServer) {
  const statuses: number[] = []
  const options = {
    [oauth.customFetch]: async (url: string, { method, headers, body }: LibraryRequest) => {
      const response = await server.fetch(url.slice(ISSUER.length), { method, headers, body: body ?? null })
      statuses.push(response.status)
      return response
    },
  }
  return { statuses, options }
}

/** Repeats a request of the library once if the server asks for a nonce. */
async function withNonce<T>(send: () => Promise<T>): Promise<T> {
  return send().catch((error: unknown) => {
    if (!oauth.isDPoPNonceError(error)) throw error
    return send()
  })
}

it('oauth4webapi gets, refreshes and uses bound tokens with its DPoP handle, after use_dpop_nonce', async () => {
  await emptyStores()
  const server = new TestServer()
  const { statuses, options } = transportTo(server)
  const registered = await server.addClient({ ...CODE_CLIENT, bindsTokens: true })
  const user = await server.addUser()
  const code = await newCode(server, registered, user.id, { scope: ['openid'] })
  const skew = server.clock.time - Math.floor(Date.now() / 1000)
  const client: oauth.Client = { client_id: registered.id, [oauth.clockSkew]: skew }
  const dpop = { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')), ...options }
  const issuer = new URL(ISSUER)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  const exchange = { code, redirect_uri: CALLBACK, code_verifier: VERIFIER }
  const tokens = await withNonce(async () => {
    const request = [as, client, oauth.None(), 'authorization_code', exchange, dpop] as const
    return oauth.processGenericTokenEndpointResponse(
      as,
      client,
      await oauth.genericTokenEndpointRequest(...request),
    )
  })
  expect(tokens.token_type).toBe('dpop')
  expect(decodeJwt(tokens.access_token).cnf).toEqual({ jkt: await dpop.DPoP.calculateThumbprint() })
  const refresh = tokens.refresh_token ?? ''
  const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refresh, dpop)
  const refreshed = await oauth.processRefreshTokenResponse(as, client, response)
  const userinfo = await oauth.userInfoRequest(as, client, refreshed.access_token, dpop)
  expect(await oauth.processUserInfoResponse(as, client, user.id, userinfo)).toMatchObject({ sub: user.id })
  // Discovery, the request without a nonce, its repetition, the refresh and userinfo.
  expect(statuses).toEqual([200, 400, 200, 200, 200])
})
