import { describe, expect, it } from 'vitest'
import { D1_DOWN, KV_DOWN } from './support/faults.ts'
import {
  BACKOFFICE_AUDIENCE,
  credentials,
  emptyStores,
  ISSUER,
  PASSWORD,
  STOREFRONT_AUDIENCE,
  TestClock,
  TestServer,
} from './support/server.ts'

const PATHS = [
  '/.well-known/jwks.json',
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
]

const AUTHENTICATIONS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
const ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']

describe('the metadata document', () => {
  it('the metadata document describes the server at both addresses (RFC 8414 §2)', async () => {
    const server = new TestServer()
    for (const path of PATHS.slice(1)) {
      const response = await server.fetch(path)
      expect(response.status).toBe(200)
      expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
      expect(await response.json()).toEqual({
        issuer: ISSUER,
        authorization_endpoint: `${ISSUER}/oauth2-token/authorize`,
        token_endpoint: `${ISSUER}/oauth2-token`,
        jwks_uri: `${ISSUER}/.well-known/jwks.json`,
        revocation_endpoint: `${ISSUER}/oauth2-token/revoke`,
        introspection_endpoint: `${ISSUER}/oauth2-token/introspect`,
        revocations_uri: `${ISSUER}/revocations`,
        scopes_supported: ['openid', 'profile', 'email', 'cart', 'orders', 'catalog'],
        pushed_authorization_request_endpoint: `${ISSUER}/oauth2-token/par`,
        authorization_challenge_endpoint: `${ISSUER}/oauth2-token/challenge`,
        response_types_supported: ['code'],
        response_modes_supported: ['query', 'form_post'],
        code_challenge_methods_supported: ['S256'],
        client_id_metadata_document_supported: false,
        dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
        authorization_response_iss_parameter_supported: true,
        grant_types_supported: ['password', 'authorization_code', 'refresh_token', 'client_credentials'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256', 'RS256'],
        userinfo_endpoint: `${ISSUER}/oauth2-token/userinfo`,
        end_session_endpoint: `${ISSUER}/oauth2-token/logout`,
        acr_values_supported: ['urn:sallyport:1'],
        prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
        claim_types_supported: ['normal'],
        claims_supported: [
          'iss',
          'aud',
          'sub',
          'iat',
          'exp',
          'sid',
          'auth_time',
          'amr',
          'acr',
          'nonce',
          'at_hash',
          'name',
          'given_name',
          'family_name',
          'locale',
          'updated_at',
          'email',
          'email_verified',
        ],
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        token_endpoint_auth_methods_supported: [...AUTHENTICATIONS, 'none'],
        token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
        revocation_endpoint_auth_methods_supported: [...AUTHENTICATIONS, 'none'],
        revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
        introspection_endpoint_auth_methods_supported: AUTHENTICATIONS,
        introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      })
    }
  })

  it('both addresses have the same bytes and the same ETag', async () => {
    const server = new TestServer()
    const [first, second] = await Promise.all(PATHS.slice(1).map((path) => server.fetch(path)))
    expect(first?.headers.get('ETag')).toBe(second?.headers.get('ETag'))
    expect(await first?.text()).toBe(await second?.text())
  })

  it('the metadata document has no empty list, also if no API has a scope', async () => {
    const apis = { storefront: { audience: STOREFRONT_AUDIENCE, users: 'customers' } }
    const server = new TestServer({ config: { apis, enable_refresh_token: false, openid: false } })
    const metadata = await (await server.fetch(PATHS[1] ?? '')).json<Record<string, unknown>>()
    for (const name of ['scopes_supported', 'userinfo_endpoint']) expect(metadata).not.toHaveProperty(name)
    for (const value of Object.values(metadata)) {
      expect(Array.isArray(value) ? value.length : value).not.toBe(0)
    }
  })

  it('the metadata document lists the scopes of an API with agents, and no scope of an internal API', async () => {
    const scope = 'dev.ucp.shopping.order:read'
    const agents = { agents: true, scopes: [scope], scope_texts: { [scope]: 'Your orders' } }
    const apis = {
      agents: { audience: STOREFRONT_AUDIENCE, users: 'customers', ...agents },
      backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff', scopes: ['users'] },
    }
    const server = new TestServer({ config: { apis } })
    const metadata = await (await server.fetch(PATHS[1] ?? '')).json<Record<string, unknown>>()
    expect(metadata.scopes_supported).toEqual(['openid', 'profile', 'email', scope])
  })

  it('the metadata document lists the algorithms of all published keys', async () => {
    await emptyStores()
    const before = new TestServer()
    await before.fetch(PATHS[0] ?? '')
    const clock = new TestClock()
    clock.time += 61
    const server = new TestServer({ config: { signing_algorithm: 'PS256', openid: false }, clock })
    await server.cron()
    server.clock.time += 61
    const jwks = await (await server.fetch(PATHS[0] ?? '')).json<{ keys: { alg: string }[] }>()
    const published = jwks.keys.map(({ alg }) => alg)
    expect(new Set(published)).toEqual(new Set(['ES256', 'PS256']))
    for (const path of PATHS.slice(1)) {
      const metadata = await (await server.fetch(path)).json<Record<string, unknown>>()
      expect(metadata.id_token_signing_alg_values_supported).toEqual(['PS256', 'ES256'])
    }
  })

  it('the metadata document lists the live algorithms if no store has the keys', async () => {
    await emptyStores()
    const server = new TestServer({
      env: { DB: D1_DOWN, KV: KV_DOWN },
      config: { signing_algorithm: 'EdDSA' },
    })
    const response = await server.fetch(PATHS[1] ?? '')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      id_token_signing_alg_values_supported: ['EdDSA', 'RS256', 'ES256'],
    })
  })

  it.each([true, false])(
    'the metadata document lists only the offered grants (refresh tokens: %s)',
    async (enabled) => {
      const server = new TestServer({ config: { enable_refresh_token: enabled } })
      const client = await server.addClient()
      const user = await server.addUser()
      const metadata = await (await server.fetch(PATHS[1] ?? '')).json<{ grant_types_supported: string[] }>()
      const parameters = { ...credentials(client), username: user.username, password: PASSWORD }
      const { refresh_token = 'none' } = await server.requireTokens({ ...parameters, grant_type: 'password' })
      const known = ['password', 'refresh_token', 'client_credentials', 'implicit']
      for (const grant_type of known) {
        const response = await server.postJson({ ...parameters, grant_type, refresh_token })
        expect(response.status === 200).toBe(metadata.grant_types_supported.includes(grant_type))
        if (response.status !== 200)
          expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' })
      }
    },
  )
})

describe('a cacheable document', () => {
  it.each(PATHS)('a request with the current ETag gets 304 without a body: %s', async (path) => {
    const server = new TestServer()
    const first = await server.fetch(path)
    const etag = first.headers.get('ETag') ?? ''
    expect(etag).toMatch(/^"[A-Za-z0-9_-]{43}"$/)
    expect(first.headers.get('Cache-Control')).toBe('public, max-age=300')
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await server.fetch(path, { headers: { 'If-None-Match': value } })
      expect(again.status).toBe(304)
      expect(await again.text()).toBe('')
      expect(again.headers.get('ETag')).toBe(etag)
      expect(again.headers.get('Cache-Control')).toBe('public, max-age=300')
    }
    const other = await server.fetch(path, { headers: { 'If-None-Match': '"other"' } })
    expect(other.status).toBe(200)
  })

  it.each(PATHS)('the endpoint accepts HEAD without a body and refuses POST: %s', async (path) => {
    const server = new TestServer()
    const head = await server.fetch(path, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const post = await server.postJson({}, {}, path)
    expect(post.status).toBe(405)
    expect(post.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
    expect(await post.json()).toEqual({
      error: 'invalid_request',
      error_description: 'This endpoint takes GET, HEAD, OPTIONS.',
    })
  })
})
