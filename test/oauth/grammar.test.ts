import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { describeRefusal as describeForApi } from '../../packages/verify/src/describe_refusal.ts'
import { insufficientScope, invalidToken, missingToken } from '../../packages/verify/src/refusal.ts'
import { AUTHORIZATION_FAILURES, type AuthorizationFailure } from '../../src/oauth/authorization_failure.ts'
import { describeRefusal, type ErrorDialect, type WireError } from '../../src/oauth/error_dialect.ts'
import { MALFORMATIONS, type Malformation, type Refusal } from '../../src/oauth/errors.ts'
import { asserted, newKey, signAssertion } from '../support/assertions.ts'
import { authorizeUrl, browserOf, exchangeOf, signInAt } from '../support/authorize.ts'
import { agentServer, newDocument } from '../support/client_documents.ts'
import { callAdmin, TestOperator } from '../support/operator.ts'
import { RemoteDocuments } from '../support/remote_documents.ts'
import { basic, credentials, PASSWORD, STOREFRONT_AUDIENCE, TestServer } from '../support/server.ts'

/** RFC 6749 §5.2: the characters of `error` and `error_description`. */
const ERROR_TEXT = /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/

const DIALECTS: ErrorDialect[] = ['rfc6749', 'oro']

/** Every parameter that an endpoint reads. */
const PARAMETERS = [
  'grant_type',
  'client_id',
  'client_secret',
  'username',
  'password',
  'scope',
  'refresh_token',
  'client_assertion',
  'client_assertion_type',
  'token',
  'visitor_access_token',
  'resource',
  'current_password',
  'email',
  'sealed',
  'response',
]

/** Every refusal of each kind with every public parameter. A new kind must be added here to compile. */
const REFUSALS: { [K in Refusal['kind']]: Extract<Refusal, { kind: K }>[] } = {
  malformed_request: Object.keys(MALFORMATIONS).map((name) => ({
    kind: 'malformed_request',
    malformation: name as Malformation,
  })),
  missing_parameter: PARAMETERS.map((parameter) => ({ kind: 'missing_parameter', parameter })),
  not_a_string: PARAMETERS.map((parameter) => ({ kind: 'not_a_string', parameter })),
  invalid_target: [{ kind: 'invalid_target' }],
  challenge_required: [{ kind: 'challenge_required' }],
  misdirected_request: [{ kind: 'misdirected_request' }],
  body_too_large: [{ kind: 'body_too_large' }],
  method_not_allowed: ['POST, OPTIONS', 'GET, HEAD, OPTIONS'].map((allow) => ({
    kind: 'method_not_allowed',
    allow,
  })),
  not_found: [{ kind: 'not_found' }],
  unsupported_grant_type: [{ kind: 'unsupported_grant_type' }],
  invalid_client: [{ kind: 'invalid_client' }],
  unauthorized_client: [{ kind: 'unauthorized_client' }],
  wrong_credentials: [{ kind: 'wrong_credentials' }],
  insufficient_authorization: [{ kind: 'insufficient_authorization', authSession: null }],
  more_needed: [{ kind: 'more_needed' }],
  invalid_session: [{ kind: 'invalid_session' }],
  refused_password: (['length', 'common', 'breached', 'same'] as const).map((rule) => ({
    kind: 'refused_password',
    rule,
  })),
  redirect_to_web: [{ kind: 'redirect_to_web' }],
  invalid_refresh_token: [{ kind: 'invalid_refresh_token' }],
  invalid_code: [{ kind: 'invalid_code' }],
  unproven_request: [{ kind: 'unproven_request' }],
  invalid_authorization_request: Object.keys(AUTHORIZATION_FAILURES).map((failure) => ({
    kind: 'invalid_authorization_request',
    failure: failure as AuthorizationFailure,
  })),
  wrong_redirect_uri: [{ kind: 'wrong_redirect_uri' }],
  foreign_token: [{ kind: 'foreign_token' }],
  invalid_scope: [{ kind: 'invalid_scope' }],
  missing_access_token: [{ kind: 'missing_access_token' }],
  invalid_access_token: [{ kind: 'invalid_access_token' }],
  invalid_dpop_proof: [{ kind: 'invalid_dpop_proof' }],
  use_dpop_nonce: [{ kind: 'use_dpop_nonce', nonce: '1.mac' }],
  insufficient_scope: ['openid', 'account'].map((scope) => ({ kind: 'insufficient_scope', scope })),
  insufficient_user_authentication: [
    { kind: 'insufficient_user_authentication', acrValues: 'urn:sallyport:2', maxAgeSeconds: 600 },
  ],
  not_allowed: [{ kind: 'not_allowed' }],
  unknown_item: [{ kind: 'unknown_item' }],
  refused_value: PARAMETERS.map((parameter) => ({ kind: 'refused_value', parameter })),
  temporarily_unavailable: [{ kind: 'temporarily_unavailable', retryAfterSeconds: 2 }],
  too_many_attempts: [{ kind: 'too_many_attempts', retryAfterSeconds: 60 }],
  server_error: [{ kind: 'server_error' }],
}

const TEXTS: [string, WireError][] = DIALECTS.flatMap((dialect) =>
  Object.values(REFUSALS)
    .flat()
    .map((refusal): [string, WireError] => [
      `${dialect} ${JSON.stringify(refusal)}`,
      describeRefusal(refusal, dialect),
    ]),
)

/** RFC 6749 §3.3: at least one token, one space between two. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*$/

describe('the texts of a refusal', () => {
  it.each(TEXTS)(
    'the texts of a refusal have only characters that RFC 6749 §5.2 allows: %s',
    (_refusal, wire) => {
      expect(wire.error).toMatch(/^[a-z_]+$/)
      expect(wire.description).toMatch(ERROR_TEXT)
      if (wire.hint !== undefined) expect(wire.hint).toMatch(ERROR_TEXT)
    },
  )
})

describe('a scope', () => {
  const api = (scopes: string[]) => ({
    storefront: { audience: STOREFRONT_AUDIENCE, users: 'customers', guests: true, scopes },
  })

  it('a client without scopes gets no scope in response, token or introspection (RFC 6749 §3.3)', async () => {
    const server = new TestServer({ config: { apis: api([]) } })
    const client = await server.addClient()
    const user = await server.addUser()
    const grants = [
      { grant_type: 'client_credentials' },
      { grant_type: 'password', username: user.username, password: PASSWORD },
      { grant_type: 'password', username: 'guest', password: 'guest' },
    ]
    for (const grant of grants) {
      const tokens = await server.requireTokens({ ...grant, ...credentials(client) })
      const texts = [tokens.access_token, tokens.refresh_token].filter((token) => token !== undefined)
      const question = { ...credentials(client), token: tokens.access_token }
      const answer = await server.postJson(question, {}, '/oauth2-token/introspect')
      const described = await answer.json<Record<string, unknown>>()
      expect(described.active).toBe(true)
      for (const holder of [tokens, described, ...texts.map((text) => decodeJwt(text))]) {
        expect(holder).not.toHaveProperty('scope')
      }
    }
  })

  it('every scope that the server writes follows the grammar of RFC 6749 §3.3', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    for (const scope of [undefined, 'cart', 'cart  orders', ' catalog']) {
      const parameters = { grant_type: 'client_credentials', ...credentials(client), scope }
      const { access_token, ...answer } = await server.requireTokens(parameters)
      const claims = decodeJwt(access_token)
      expect(claims.scope).toMatch(SCOPE)
      expect(answer.scope ?? scope).toBe(claims.scope)
    }
  })

  it.each(['', ' ', 'a b', 'a"b', 'a\\b', 'é'])(
    'config.yml and the admin API refuse a scope that is not one scope token: %j',
    async (scope) => {
      expect(() => new TestServer({ config: { apis: api([scope]) } })).toThrow(
        'apis.storefront.scopes.0: must be one scope token (RFC 6749 §3.3)',
      )
      const boss = await TestOperator.signIn(new TestServer())
      const draft = { client_id: `c-${crypto.randomUUID()}`, api: 'storefront', grants: ['password'] }
      const { status } = await boss.post('/clients', { ...draft, scopes: [scope] })
      expect(status).toBe(422)
    },
  )
})

describe('a client id', () => {
  /** RFC 6749 appendix A.1. */
  const CLIENT_ID = /^[\x20-\x7E]+$/

  it('the client id in tokens, codes and introspection follows the grammar of RFC 6749 A.1, also if it is a URL', async () => {
    const server = agentServer()
    const key = await newKey()
    const changes = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } }
    const agent = await newDocument(server, { changes })
    const sign = async () => asserted(await signAssertion(agent.url, key, server.clock.time))
    const browser = browserOf(server)
    await browser.open(authorizeUrl(agent.client, { scope: 'orders cart' }))
    await signInAt(browser, (await server.addUser()).username)
    const { url } = await browser.press('Allow')
    const exchange = exchangeOf(agent.client, url.searchParams.get('code'))
    const tokens = await server.requireTokens({ ...exchange, ...(await sign()) })
    const question = { token: tokens.access_token, ...(await sign()) }
    const described = await server.postJson(question, {}, '/oauth2-token/introspect')
    const holders = [await described.json<Record<string, unknown>>(), decodeJwt(tokens.access_token)]
    for (const { client_id, scope } of [...holders, decodeJwt(tokens.refresh_token ?? '')]) {
      expect(client_id).toBe(agent.url)
      expect(client_id).toMatch(CLIENT_ID)
      expect(scope).toMatch(SCOPE)
    }
  })

  it.each([
    'https://agent.example/client\n.json',
    'https://agent.example/"',
    'https://agent.example/\\',
    'https://agent.example/é',
    'https://agent.example/ ',
    'https://agent.example/client.json\0',
  ])(
    'a client id that is a URL with other characters is refused, and the texts do not have it: %j',
    async (id) => {
      const server = agentServer()
      const documents = RemoteDocuments.start()
      for (const headers of [{}, { Authorization: basic(id, '') }]) {
        const identity = 'Authorization' in headers ? {} : { client_id: id }
        const response = await server.postJson({ grant_type: 'refresh_token', ...identity }, headers)
        const body = await response.json<{ error: string; error_description: string }>()
        expect([response.status, body.error]).toEqual([401, 'invalid_client'])
        expect(body.error_description).toMatch(ERROR_TEXT)
      }
      const page = await server.fetch(`/oauth2-token/authorize?client_id=${encodeURIComponent(id)}`)
      expect(page.status).toBe(400)
      expect(documents.requests).toEqual([])
    },
  )
})

describe('a challenge', () => {
  /** RFC 9110 §11.6.1, and RFC 6750 §3: at least one parameter. The values need no escapes. */
  const CHALLENGE = /^(?:Basic|Bearer|DPoP) [a-z_]+="[^"\\]*"(?:, (?:DPoP )?[a-z_]+="[^"\\]*")*$/

  it.each([
    ['missing_token', missingToken()],
    ['invalid_token', invalidToken('a reason with "quotes"')],
    ['insufficient_scope', insufficientScope(['cart', 'orders'])],
  ])('a challenge of the verifier has a parameter after the scheme: %s', (code, refusal) => {
    const api = { realm: 'shop', resourceMetadataUrl: 'https://shop.test/document', makeBody: undefined }
    for (const dpop of [null, 'allowed', 'required'] as const) {
      for (const scope of [[], ['cart', 'orders']]) {
        const error = describeForApi(refusal, { ...api, dpop }, { scope, usesDpop: false })
        expect(error.code).toBe(code)
        expect(error.challenge).toMatch(CHALLENGE)
      }
    }
  })

  it('every challenge of the server has a parameter after the scheme', async () => {
    const server = new TestServer()
    const answers = [
      ...(await Promise.all(
        ['nobody', 'https://agent.example/client.json'].map((id) =>
          server.postForm({ grant_type: 'password' }, { Authorization: basic(id, 'wrong') }),
        ),
      )),
      await callAdmin(server, '/me'),
      await callAdmin(server, '/me', { headers: { Authorization: 'Bearer wrong' } }),
    ]
    for (const answer of answers) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('WWW-Authenticate')).toMatch(CHALLENGE)
    }
  })
})
