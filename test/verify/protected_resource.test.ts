import { Hono } from 'hono'
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { type RequireTokenOptions, requireToken, resourceMetadata } from '../../packages/verify/src/hono.ts'
import {
  createVerifier,
  TokenError,
  ucpBody,
  type VerifierOptions,
  type VerifyOptions,
} from '../../packages/verify/src/index.ts'
import { createTestIssuer, type MintOptions } from '../../packages/verify/src/testing.ts'

const AUDIENCE = 'https://shop.test/api'
const METADATA_URL = 'https://shop.test/.well-known/oauth-protected-resource/api'
const [READ, MANAGE] = ['dev.ucp.shopping.order:read', 'dev.ucp.shopping.order:manage']
const VERSION = '2026-04-08'
const PLATFORM = 'platform'

const issuer = await createTestIssuer()
const REQUIRED = { issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch }

/** An API of UCP, whose operation needs two scopes and a recent sign-in. */
const app = new Hono()
const verifier = createVerifier({
  ...REQUIRED,
  realm: issuer.url,
  resourceMetadata: { scopes: [READ, MANAGE], name: 'Orders', documentation: 'https://shop.test/docs' },
  clientId: [PLATFORM, 'other-platform'],
  body: ucpBody({ version: VERSION, continueUrl: 'https://shop.test/join' }),
})
app.use(resourceMetadata(verifier))
app.get('/api/orders', requireToken(verifier, { scope: [READ, MANAGE], maxAgeSeconds: 60 }), (c) =>
  c.json({ orderOf: c.get('token').subject }),
)
app.get(
  '/api/signed',
  requireToken(verifier, { clientId: (c) => c.req.header('UCP-Agent') ?? 'none' }),
  (c) => c.json({ orderOf: c.get('token').subject }),
)

const NO_CLIENT = 'clientId must be a client id or a list of client ids'

const now = Math.floor(Date.now() / 1000)
const LIVE = { audience: AUDIENCE, clientId: PLATFORM, scope: `${READ} ${MANAGE}`, authTime: now }

function challenge(...parameters: string[]): string {
  const [scope, metadata] = [`scope="${READ} ${MANAGE}"`, `resource_metadata="${METADATA_URL}"`]
  return `Bearer ${[`realm="${issuer.url}"`, ...parameters, scope, metadata].join(', ')}`
}

function ucpError(code: string, content: string, severity = 'requires_buyer_review'): object {
  return {
    ucp: { version: VERSION, status: 'error' },
    messages: [{ type: 'error', code, content, severity }],
    ...(code === 'identity_required' && { continue_url: 'https://shop.test/join' }),
  }
}

const IDENTITY_REQUIRED = ucpError('identity_required', 'The user must link their account.')
const INVALID = challenge('error="invalid_token"')
const RELINK = [401, INVALID, IDENTITY_REQUIRED] as const

type Row = [what: string, token: MintOptions | null, status: number, challenge: string, body: object]

const ROWS: Row[] = [
  ['no token', null, 401, challenge(), IDENTITY_REQUIRED],
  ['an expired token', { ...LIVE, issuedAt: now - 100, expiresAt: now - 50 }, ...RELINK],
  ['the token of another client', { ...LIVE, clientId: 'storefront' }, ...RELINK],
  [
    'a token that has one of two scopes',
    { ...LIVE, scope: READ },
    403,
    challenge('error="insufficient_scope"'),
    ucpError('insufficient_scope', `This operation requires the scopes ${READ}, ${MANAGE}.`),
  ],
  [
    'the token of an old sign-in',
    { ...LIVE, authTime: now - 100 },
    401,
    challenge('error="insufficient_user_authentication"', 'max_age="60"'),
    IDENTITY_REQUIRED,
  ],
  [
    'the token of a user who needs a new password',
    { ...LIVE, mustChangePassword: true },
    403,
    challenge('error="insufficient_scope"', 'error_description="The user must set a new password first"'),
    ucpError('insufficient_scope', 'The user must set a new password first.'),
  ],
]

async function send(path: string, token: MintOptions | null, headers: Record<string, string> = {}) {
  const authorization = token && { Authorization: `Bearer ${await issuer.mint(token)}` }
  return app.request(path, { headers: { ...headers, ...authorization } })
}

describe('a protected resource of UCP', () => {
  it.each(ROWS)(
    'the API refuses %s with realm, all scopes and the URL of its document',
    async (_what, token, status, expected, body) => {
      const response = await send('/api/orders', token)
      expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([status, expected])
      expect(await response.json()).toEqual(body)
      expect(response.headers.get('Cache-Control')).toBe('no-store')
    },
  )

  it('the API accepts the token of a listed client with all scopes', async () => {
    const response = await send('/api/orders', { ...LIVE, subject: 'user:1' })
    expect([response.status, await response.json()]).toEqual([200, { orderOf: 'user:1' }])
  })

  it('an operation accepts only the token of the platform that sends the request (RFC 9068 §4)', async () => {
    const statuses = ['none', PLATFORM, 'other-platform'].map(
      async (agent) => (await send('/api/signed', LIVE, { 'UCP-Agent': agent })).status,
    )
    expect(await Promise.all(statuses)).toEqual([401, 200, 401])
  })

  it.each([undefined, null, '', []])(
    'an operation fails if its function clientId returns %j, and accepts no client',
    async (found) => {
      // As from a context without types.
      const clientId = (() => found) as NonNullable<RequireTokenOptions['clientId']>
      const open = createVerifier(REQUIRED)
      const handled: string[] = []
      const api = new Hono().get('/signed', requireToken(open, { clientId }), (c) => {
        handled.push(c.get('token').subject)
        return c.text('accepted')
      })
      api.onError((error, c) => c.text(String(error), 500))
      const headers = { Authorization: `Bearer ${await issuer.mint(LIVE)}` }
      const response = await api.request('/signed', { headers })
      expect([response.status, await response.text()]).toEqual([500, `TypeError: ${NO_CLIENT}`])
      expect(handled).toEqual([])
    },
  )

  it('verify and requireToken refuse a clientId that is undefined', async () => {
    const missing = { clientId: undefined } as unknown as VerifyOptions & RequireTokenOptions
    const open = createVerifier(REQUIRED)
    await expect(open.verify(await issuer.mint(LIVE), missing)).rejects.toThrow(new TypeError(NO_CLIENT))
    expect(() => requireToken(open, missing)).toThrow(new TypeError(NO_CLIENT))
  })

  it('the API tells a platform to retry while the keys cannot be fetched', async () => {
    const down = async () => {
      throw new Error('down')
    }
    const offline = createVerifier({ ...REQUIRED, fetch: down, body: ucpBody({ version: VERSION }) })
    const error = await offline.verify(await issuer.mint(LIVE)).catch((thrown: unknown) => thrown)
    if (!(error instanceof TokenError)) throw new Error('the token is accepted')
    const content = 'The token cannot be verified at present. Send the request again later.'
    expect([error.status, error.challenge]).toEqual([503, null])
    expect(error.body).toEqual(ucpError('temporarily_unavailable', content, 'recoverable'))
  })

  it('the body of a refusal is the result of the option body', async () => {
    const body = ({ code, scope }: TokenError) => ({ problem: code, scope })
    const error = await createVerifier({ ...REQUIRED, body })
      .verify('garbage', { scope: 'a b' })
      .catch((thrown: TokenError) => thrown)
    const response = (error as TokenError).toResponse()
    expect(await response.json()).toEqual({ problem: 'invalid_token', scope: ['a', 'b'] })
  })
})

describe('the document of a protected resource (RFC 9728)', () => {
  const DOCUMENT = {
    resource: AUDIENCE,
    authorization_servers: [issuer.url],
    scopes_supported: [READ, MANAGE],
    bearer_methods_supported: ['header'],
    resource_name: 'Orders',
    resource_documentation: 'https://shop.test/docs',
  }

  it.each(['', '/api'])('the middleware serves the document at the well-known path%s', async (path) => {
    const url = `https://shop.test/.well-known/oauth-protected-resource${path}`
    const response = await app.request(url)
    expect([response.status, await response.json()]).toEqual([200, DOCUMENT])
    expect(Object.fromEntries(response.headers)).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=3600',
      'content-type': 'application/json',
    })
    const head = await app.request(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('Cache-Control')]).toEqual([200, 'public, max-age=3600'])
    const preflight = await app.request(url, { method: 'OPTIONS' })
    expect([preflight.status, Object.fromEntries(preflight.headers)]).toEqual([
      204,
      {
        'access-control-allow-headers': '*',
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-origin': '*',
        'access-control-max-age': '86400',
      },
    ])
    const post = await app.request(url, { method: 'POST' })
    expect([post.status, post.headers.get('Allow'), await post.text()]).toEqual([
      405,
      'GET, HEAD, OPTIONS',
      '',
    ])
  })

  it('a client of RFC 9728 reads the challenge, the document and its resource', async () => {
    const options = {
      [oauth.customFetch]: async (url: string, { headers }: { headers: Record<string, string> }) =>
        app.request(url, { headers }),
    }
    const refusal: unknown = await oauth
      .protectedResourceRequest('garbage', 'GET', new URL(`${AUDIENCE}/orders`), undefined, null, options)
      .catch((error: unknown) => error)
    if (!(refusal instanceof oauth.WWWAuthenticateChallengeError)) throw new Error('the token is accepted')
    const parameters = {
      realm: issuer.url,
      error: 'invalid_token',
      scope: `${READ} ${MANAGE}`,
      resource_metadata: METADATA_URL,
    }
    expect(refusal.cause).toEqual([{ scheme: 'bearer', parameters }])
    const resource = new URL(AUDIENCE)
    const response = await oauth.resourceDiscoveryRequest(resource, options)
    expect(await oauth.processResourceDiscoveryResponse(resource, response)).toEqual(DOCUMENT)
  })

  it.each(['/.well-known/oauth-protected-resource/other', '/.well-known/oauth-protected-resource/api/', '/'])(
    'the middleware does not serve the document at %s',
    async (path) => {
      expect((await app.request(path)).status).toBe(404)
    },
  )

  it.each([
    ['https://shop.test', undefined, 'https://shop.test/.well-known/oauth-protected-resource'],
    ['https://shop.test/', undefined, 'https://shop.test/.well-known/oauth-protected-resource'],
    ['https://shop.test/a/b/', undefined, 'https://shop.test/.well-known/oauth-protected-resource/a/b/'],
    ['https://shop.test/a?b=c', undefined, 'https://shop.test/.well-known/oauth-protected-resource/a?b=c'],
    ['https://shop.test/a', 'https://api.test/document', 'https://api.test/document'],
  ])('a challenge of the API %s with the option url %s names %s', async (audience, url, named) => {
    const one = createVerifier({ ...REQUIRED, audience, resourceMetadata: { url } })
    const error: TokenError = await one.verify('garbage').catch((thrown) => thrown)
    expect(error.challenge).toBe(
      `Bearer realm="sallyport", error="invalid_token", resource_metadata="${named}"`,
    )
    const response = one.serveResourceMetadata(new Request(named))
    expect(await response?.json()).toEqual({
      resource: audience,
      authorization_servers: [issuer.url],
      bearer_methods_supported: ['header'],
    })
    expect(one.serveResourceMetadata(new Request('https://shop.test/cart'))).toBeNull()
  })

  it('a verifier without resourceMetadata serves no document', () => {
    const refusal = new TypeError('the verifier has no resourceMetadata')
    expect(() => createVerifier(REQUIRED).serveResourceMetadata(new Request(METADATA_URL))).toThrow(refusal)
  })
})

const WRONG: [option: string, options: object, message: string][] = [
  ['realm', { realm: 'a"b' }, 'realm must be printable ASCII text without quotes and backslashes'],
  ['realm', { realm: '' }, 'realm must be printable ASCII text without quotes and backslashes'],
  ['body', { body: {} }, 'body must be a function'],
  ['clientId', { clientId: undefined }, NO_CLIENT],
  ['clientId', { clientId: [] }, NO_CLIENT],
  ['clientId', { clientId: '' }, NO_CLIENT],
  ['clientId', { clientId: 7 }, NO_CLIENT],
  ['resourceMetadata', { resourceMetadata: true }, 'resourceMetadata must be an object'],
  ['name', { resourceMetadata: { name: '' } }, 'resourceMetadata.name must be text that is not empty'],
  [
    'scopes',
    { resourceMetadata: { scopes: ['a"b'] } },
    'resourceMetadata.scopes must have only scope tokens (RFC 6749 §3.3)',
  ],
  [
    'url',
    { resourceMetadata: { url: '/.well-known' } },
    'resourceMetadata.url must be a URL without a fragment, such as https://shop.example.com/api',
  ],
  ...['urn:shop', 'https://shop.test/#api', 'https://shop.test/"'].map(
    (audience): [string, object, string] => [
      `audience ${audience}`,
      { audience, resourceMetadata: {} },
      'audience must be a URL without a fragment, such as https://shop.example.com/api',
    ],
  ),
]

it.each(WRONG)('createVerifier refuses a wrong %s', (_option, options, message) => {
  const given = { ...REQUIRED, ...options } as VerifierOptions
  expect(() => createVerifier(given)).toThrow(new TypeError(message))
})
