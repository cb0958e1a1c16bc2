import * as oauth from 'oauth4webapi'
import * as openidClient from 'openid-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserOf, CALLBACK, CODE_CLIENT, signInAt } from '../support/authorize.ts'
import { ISSUER, TestServer } from '../support/server.ts'

const SIGNED_OUT = 'https://app.test/signed-out'
const SCOPE = 'openid profile email cart'
/** The clock of the server can be a quarter of an hour behind. */
const TOLERANCE_SECONDS = 1000

describe('unmodified libraries run the code flow', () => {
  const server = new TestServer()
  let username: string
  let userId: string

  beforeAll(async () => {
    const user = await server.addUser()
    username = user.username
    userId = user.id
  })

  const callServer = (
    url: string,
    { method, headers, body }: { method: string; headers: HeadersInit; body?: unknown },
  ) => server.fetch(url.slice(ISSUER.length), { method, headers, body: body as BodyInit })

  it.each(['RS256', 'ES256'] as const)(
    'openid-client signs a user in, reads userinfo, refreshes and signs out: %s',
    async (alg) => {
      const client = await server.addClient({
        ...CODE_CLIENT,
        confidential: true,
        idTokenAlgorithm: alg,
        postLogoutRedirectUris: [SIGNED_OUT],
      })
      const config = await openidClient.discovery(
        new URL(ISSUER),
        client.id,
        { id_token_signed_response_alg: alg, [openidClient.clockTolerance]: TOLERANCE_SECONDS },
        openidClient.ClientSecretBasic(client.secret),
        { [openidClient.customFetch]: callServer },
      )
      const pkceCodeVerifier = openidClient.randomPKCECodeVerifier()
      const expectedState = openidClient.randomState()
      const expectedNonce = openidClient.randomNonce()
      const address = openidClient.buildAuthorizationUrl(config, {
        redirect_uri: CALLBACK,
        scope: SCOPE,
        code_challenge: await openidClient.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: expectedState,
        nonce: expectedNonce,
      })
      const browser = browserOf(server)
      await browser.open(address.href)
      const end = await signInAt(browser, username)
      const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
      const tokens = await openidClient.authorizationCodeGrant(config, end.url, checks)
      expect(tokens.claims()).toMatchObject({ sub: userId, aud: client.id, amr: ['pwd'] })
      const info = await openidClient.fetchUserInfo(config, tokens.access_token, userId)
      expect(info).toMatchObject({ sub: userId, updated_at: expect.any(Number) })
      const refreshed = await openidClient.refreshTokenGrant(config, tokens.refresh_token ?? '')
      expect(refreshed.claims()).toMatchObject({ sub: userId, auth_time: tokens.claims()?.auth_time })
      const leave = openidClient.buildEndSessionUrl(config, {
        id_token_hint: refreshed.id_token ?? '',
        post_logout_redirect_uri: SIGNED_OUT,
        state: 'bye',
      })
      const left = await browser.open(leave.href)
      expect(left.url.href).toBe(`${SIGNED_OUT}?state=bye`)
      await expect(
        openidClient.refreshTokenGrant(config, refreshed.refresh_token ?? ''),
      ).rejects.toMatchObject({
        error: 'invalid_grant',
      })
      const again = await browser.open(address.href)
      expect(again.html).toContain('Password')
    },
  )

  it('oauth4webapi verifies the response, the ID token and userinfo of a public client', async () => {
    const { id } = await server.addClient({ ...CODE_CLIENT, idTokenAlgorithm: 'ES256' })
    const client = {
      client_id: id,
      id_token_signed_response_alg: 'ES256',
      [oauth.clockTolerance]: TOLERANCE_SECONDS,
    }
    const options = { [oauth.customFetch]: callServer }
    const discovered = await oauth.discoveryRequest(new URL(ISSUER), { algorithm: 'oidc', ...options })
    const as = await oauth.processDiscoveryResponse(new URL(ISSUER), discovered)
    const verifier = oauth.generateRandomCodeVerifier()
    const nonce = oauth.generateRandomNonce()
    const parameters = {
      client_id: id,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: SCOPE,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      nonce,
      state: 's',
    }
    const browser = browserOf(server)
    await browser.open(`${as.authorization_endpoint}?${new URLSearchParams(parameters)}`)
    const end = await signInAt(browser, username)
    const response = oauth.validateAuthResponse(as, client, end.url, 's')
    const exchange = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      response,
      CALLBACK,
      verifier,
      options,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchange, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(as, exchange, options)
    expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(userId)
    const asked = await oauth.userInfoRequest(as, client, tokens.access_token, options)
    expect(await oauth.processUserInfoResponse(as, client, userId, asked)).toMatchObject({ sub: userId })
  })
})
