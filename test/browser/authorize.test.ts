import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  signInAt,
  VERIFIER,
} from '../support/authorize.ts'
import { budgetOf } from '../support/burst_budget.ts'
import { D1_DOWN } from '../support/faults.ts'
import { LaggingD1 } from '../support/lagging_d1.ts'
import { basic, ISSUER, STOREFRONT_AUDIENCE, type TestClient, TestServer } from '../support/server.ts'
import { IN_STRICT_OBJECTS } from '../support/session_objects.ts'
import { SESSION_STORES } from '../support/session_stores.ts'
import { signOutUser } from '../support/sign_out.ts'

const PATH = '/oauth2-token/authorize'
const SESSION_COOKIE = '__Host-sallyport-customers'

/** The address of a pushed request. */
const pushedUrl = ({ id }: TestClient, request_uri: string) =>
  `${ISSUER}${PATH}?${new URLSearchParams({ client_id: id, request_uri })}`

type Changes = Record<string, string | undefined>

/** Opens an address of the server without a browser. */
function open(server: TestServer, url: string, headers: Record<string, string> = {}): Promise<Response> {
  return server.send(new Request(url, { redirect: 'manual', headers: { Accept: 'text/html', ...headers } }))
}

/** Users whose ids have the longest name of a database. */
const WITH_LONG_IDS = {
  name: 'the longest id of a user',
  config: {
    ...IN_STRICT_OBJECTS,
    user_databases: {
      pools: ['customers'],
      databases: [{ name: 'abcdefghijklmnop', binding: 'USERS_1', new_users: ['customers'] }],
    },
  },
}

describe('the authorization endpoint', () => {
  const server = new TestServer()
  let client: TestClient
  let username: string

  beforeAll(async () => {
    client = await server.addClient(CODE_CLIENT)
    username = (await server.addUser()).username
  })

  it.each<[string, Changes, string]>([
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['the implicit grant', { response_type: 'token' }, 'unsupported_response_type'],
    ['the hybrid flow', { response_type: 'code id_token' }, 'unsupported_response_type'],
    ['no code_challenge (RFC 9700 §2.1.1)', { code_challenge: undefined }, 'invalid_request'],
    ['PKCE by plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['PKCE without a method, which means plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['a malformed code_challenge', { code_challenge: 'short' }, 'invalid_request'],
    ['an unknown scope', { scope: 'everything' }, 'invalid_scope'],
    ['an empty scope', { scope: ' ' }, 'invalid_scope'],
    ['a request object', { request: 'e30.e30.' }, 'request_not_supported'],
    [
      'a request_uri of another server',
      { request_uri: 'https://app.test/request' },
      'request_uri_not_supported',
    ],
    ['a registration', { registration: '{}' }, 'registration_not_supported'],
    ['another resource', { resource: 'https://other.test' }, 'invalid_target'],
    ['an unknown response_mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'enrol' }, 'invalid_request'],
    ['prompt=none with another prompt', { prompt: 'none login' }, 'invalid_request'],
    ['a max_age that is not a number', { max_age: '-1' }, 'invalid_request'],
    ['a long nonce', { nonce: 'n'.repeat(513) }, 'invalid_request'],
    ['a long scope', { scope: 's'.repeat(1025) }, 'invalid_request'],
    ['a long login_hint', { login_hint: 'x'.repeat(321) }, 'invalid_request'],
    ['long ui_locales', { ui_locales: 'de '.repeat(67) }, 'invalid_request'],
    ['a long user_locale', { user_locale: 'x'.repeat(36) }, 'invalid_request'],
    ['long acr_values', { acr_values: 'x'.repeat(201) }, 'invalid_request'],
    ['a long resource', { resource: `${STOREFRONT_AUDIENCE}${'/'.repeat(1000)}` }, 'invalid_target'],
    ['a malformed dpop_jkt', { dpop_jkt: 'A'.repeat(42) }, 'invalid_request'],
    ['a level that the server cannot reach', { acr_values: 'phr' }, 'unmet_authentication_requirements'],
    ['prompt=none without a session', { prompt: 'none' }, 'login_required'],
  ])('the client gets an error with state and iss: %s', async (_what, changes, error) => {
    const response = await open(server, authorizeUrl(client, changes))
    expect(response.status).toBe(303)
    const target = new URL(response.headers.get('Location') ?? '')
    expect(target.origin + target.pathname).toBe(CALLBACK)
    expect([...target.searchParams.keys()]).toEqual(['error', 'error_description', 'state', 'iss'])
    expect(Object.fromEntries(target.searchParams)).toMatchObject({ error, state: 'st', iss: ISSUER })
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  })

  it('a client without the grant gets unauthorized_client', async () => {
    const other = await server.addClient({ ...CODE_CLIENT, grants: ['password'] })
    const response = await open(server, authorizeUrl(other))
    expect(response.headers.get('Location')).toContain('error=unauthorized_client')
  })

  it.each<[string, Changes]>([
    ['an unknown client', { client_id: 'unknown' }],
    ['no client', { client_id: undefined }],
    ['a lookalike host', { redirect_uri: 'https://app.test.evil.example/callback' }],
    ['userinfo in front of another host', { redirect_uri: 'https://app.test@evil.example/callback' }],
    ['a backslash', { redirect_uri: 'https:\\\\app.test\\callback' }],
    ['an address without a scheme', { redirect_uri: '//app.test/callback' }],
    ['an encoded path', { redirect_uri: 'https://app.test/%63allback' }],
    ['a dot segment', { redirect_uri: 'https://app.test/x/../callback' }],
    ['a host in upper case', { redirect_uri: 'https://APP.TEST/callback' }],
    ['a Unicode lookalike', { redirect_uri: 'https://аpp.test/callback' }],
    ['an added query', { redirect_uri: `${CALLBACK}?next=x` }],
    ['an added fragment', { redirect_uri: `${CALLBACK}#x` }],
    ['another scheme', { redirect_uri: 'http://app.test/callback' }],
    ['a script', { redirect_uri: 'javascript:alert(1)' }],
    ['a private-use scheme', { redirect_uri: 'com.example.app:/callback' }],
    ['a long address', { redirect_uri: `${CALLBACK}${'x'.repeat(8000)}` }],
    ['an unknown request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:unknown' }],
  ])('the browser gets a page and no redirect: %s', async (_what, changes) => {
    const response = await open(server, authorizeUrl(client, changes))
    expect(response.status).toBe(400)
    expect(response.headers.get('Location')).toBeNull()
    expect(response.headers.get('X-Frame-Options')).toBe('DENY')
    const html = await response.text()
    expect(html).toContain('This sign-in link does not work')
    expect(html).not.toContain('evil.example')
  })

  it('a repeated parameter gets a page, because the redirect URI may be the repeated one', async () => {
    for (const name of ['client_id', 'redirect_uri', 'state', 'code_challenge']) {
      const response = await open(server, `${authorizeUrl(client)}&${name}=x`)
      expect([name, response.status, response.headers.get('Location')]).toEqual([name, 400, null])
    }
    const twice = `${authorizeUrl(client, { prompt: 'none' })}&resource=https%3A%2F%2Fshop.test%2Fapi`
    const response = await open(server, `${twice}&resource=https%3A%2F%2Fshop.test%2Fapi`)
    expect(response.headers.get('Location')).toContain('error=login_required')
    const different = await open(server, `${twice}&resource=https%3A%2F%2Fother.test`)
    expect(different.headers.get('Location')).toContain('error=invalid_target')
  })

  it('unknown parameters and empty values are ignored, and the reachable acr_values are accepted', async () => {
    const changes = { acr_values: 'phr urn:sallyport:1', unknown: 'x', prompt: '', login_hint: '', nonce: '' }
    const response = await authorize(server, client, { username, changes })
    expect([...response.keys()]).toEqual(['code', 'state', 'iss'])
  })

  it('the redirect URI is optional only if the client has exactly one', async () => {
    const without = { redirect_uri: undefined }
    const code = (await authorize(server, client, { username, changes: without })).get('code')
    await server.requireTokens(exchangeOf(client, code, without))
    const redirectUris = [CALLBACK, `${CALLBACK}/other`]
    const several = await server.addClient({ ...CODE_CLIENT, redirectUris })
    const refused = await open(server, authorizeUrl(several, without))
    expect([refused.status, refused.headers.get('Location')]).toEqual([400, null])
  })

  it('max_age needs a sign-in that is not older', async () => {
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    server.clock.time += 100
    const errors: (string | null)[] = []
    for (const max_age of ['100', '99', '0']) {
      const { url } = await browser.open(authorizeUrl(client, { max_age, prompt: 'none' }))
      errors.push(url.searchParams.get('error'))
    }
    expect(errors).toEqual([null, 'login_required', 'login_required'])
  })

  it('a request gets the page of an outage and no code while D1 is unavailable', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const cookie = `${SESSION_COOKIE}=${browser.cookie(SESSION_COOKIE)}`
    const away = new TestServer({ clock: server.clock, env: { DB: D1_DOWN } })
    const response = await open(away, authorizeUrl(client), { Cookie: cookie })
    error.mockRestore()
    const { headers } = response
    expect([response.status, headers.get('Location'), headers.get('Retry-After')]).toEqual([503, null, '2'])
    expect(await response.text()).toContain('<h1>')
  })

  it('a sign-out ends the browser session also for an isolate near an outdated replica', async () => {
    const user = await server.addUser()
    const browser = browserOf(server)
    await authorize(server, client, { username: user.username, browser })
    const cookie = `${SESSION_COOKIE}=${browser.cookie(SESSION_COOKIE)}`
    const replica = new LaggingD1()
    await replica.catchUp()
    await signOutUser(server, user.id)
    const near = new TestServer({ clock: server.clock, env: { DB: replica.db } })
    const response = await open(near, authorizeUrl(client, { prompt: 'none' }), { Cookie: cookie })
    expect(response.headers.get('Location')).toContain('error=login_required')
  })

  it('a code that would be too long is refused with an error for the client', async () => {
    const changes = { scope: 'openid cart', nonce: '\u{1f600}'.repeat(256) }
    const response = await authorize(server, client, { username, changes })
    expect(Object.fromEntries(response)).toEqual({
      error: 'invalid_request',
      error_description: 'The nonce and the scope make the code too long.',
      state: 'st',
      iss: ISSUER,
    })
  })

  it('a program gets JSON in place of the page', async () => {
    const response = await open(server, authorizeUrl(client, { client_id: 'unknown' }), {
      Accept: 'application/json',
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: 'invalid_request',
      error_description: 'The client or the redirect_uri is not known.',
    })
  })

  it('a client of OroCommerce gets 401 invalid_client in place of the page', async () => {
    const oro = new TestServer({ config: { errors: 'oro' } })
    const response = await open(oro, authorizeUrl(client, { redirect_uri: 'https://evil.example' }))
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBeNull()
    expect(await response.json()).toEqual({
      error: 'invalid_client',
      error_description: 'Client authentication failed',
      message: 'Client authentication failed',
    })
  })

  it('a state of 2,048 characters is returned unchanged, and a longer state is refused', async () => {
    const state = '&=%é'.repeat(512)
    const response = await authorize(server, client, { username, changes: { state } })
    expect(response.get('state')).toBe(state)
    const long = await open(server, authorizeUrl(client, { state: 's'.repeat(8192) }))
    expect(long.headers.get('Location')).toContain('error=invalid_request')
  })

  it.each<[string, Record<string, string>]>([
    ['a prompt over 100 characters', { prompt: 'login '.repeat(2000).trim() }],
    ['a control character in state', { state: '\u0001'.repeat(2048) }],
    ['a line break in login_hint', { login_hint: 'a\nb' }],
    ['a control character in nonce', { nonce: '\u0001' }],
  ])(
    'the client gets an error for %s, because the form could be too large to send',
    async (_what, changes) => {
      const response = await open(server, authorizeUrl(client, changes))
      const { searchParams } = new URL(response.headers.get('Location') ?? '')
      expect([response.status, searchParams.get('error'), searchParams.get('state')]).toEqual([
        303,
        'invalid_request',
        changes.state ?? 'st',
      ])
    },
  )

  it('HEAD has the headers of GET without a body', async () => {
    const response = await server.send(new Request(authorizeUrl(client), { method: 'HEAD' }))
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('other methods get 405 with Allow', async () => {
    const response = await server.fetch(PATH, { method: 'DELETE' })
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST'])
  })

  it('a POST from another site is redirected to GET, because the browser sends it no Lax cookie', async () => {
    const url = new URL(authorizeUrl(client, { prompt: 'none' }))
    const response = await server.send(
      new Request(ISSUER + PATH, {
        method: 'POST',
        body: url.searchParams.toString(),
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          Origin: 'https://app.test',
          'Sec-Fetch-Site': 'cross-site',
        },
      }),
    )
    expect(response.status).toBe(303)
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const end = await browser.open(new URL(response.headers.get('Location') ?? '', ISSUER).href)
    expect(end.url.searchParams.get('code')).not.toBeNull()
  })

  it('a POST with a value that is no string gets a page', async () => {
    for (const body of [{ client_id: 5 }, { client_id: client.id, redirect_uri: CALLBACK, nonce: 5 }]) {
      const headers = { Accept: 'text/html', 'Content-Type': 'application/json' }
      const response = await server.fetch(PATH, { method: 'POST', headers, body: JSON.stringify(body) })
      expect([response.status, response.headers.get('Location')]).toEqual([400, null])
      expect(await response.text()).toContain('This sign-in link does not work')
    }
  })

  it('prompt=none gets login_required if the login_hint is no possible username', async () => {
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    const changes = { prompt: 'none', login_hint: 'x'.repeat(310) }
    const { url } = await browser.open(authorizeUrl(client, changes))
    expect(url.searchParams.get('error')).toBe('login_required')
  })

  it.each([...SESSION_STORES, WITH_LONG_IDS])(
    'a nonce of 512 characters and a redirect URI of 1,024 characters fit in the code, with $name',
    async ({ config }) => {
      const nonce = 'n'.repeat(512)
      const redirect_uri = CALLBACK.padEnd(1024, '/')
      const other = new TestServer({ config, clock: server.clock })
      const partner = await other.addClient({
        ...CODE_CLIENT,
        isFirstParty: false,
        redirectUris: [redirect_uri],
      })
      const user = await other.addUser()
      const browser = browserOf(other)
      await browser.open(authorizeUrl(partner, { redirect_uri, nonce, scope: 'openid profile email cart' }))
      await signInAt(browser, user.username)
      const { url } = await browser.press('Allow')
      const { id_token = '' } = await other.requireTokens(
        exchangeOf(partner, url.searchParams.get('code'), { redirect_uri }),
      )
      expect(decodeJwt(id_token).nonce).toBe(nonce)
    },
  )

  it('a user gets a limited number of codes in a minute, so that the second uses cannot fill the feed', async () => {
    const limited = new TestServer({ env: { SIGN_IN_LIMIT: budgetOf(2) } })
    const browser = browserOf(limited)
    await authorize(limited, client, { username, browser })
    const ends = [await browser.open(authorizeUrl(client)), await browser.open(authorizeUrl(client))]
    expect(ends.map(({ url }) => url.searchParams.get('error'))).toEqual([null, 'temporarily_unavailable'])
  })

  it('the response mode form_post sends the parameters by a form that a script submits', async () => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client, { response_mode: 'form_post' }))
    const page = await signInAt(browser, username)
    expect(page.html).toContain(`<form method="post" action="${CALLBACK}"`)
    expect(page.headers.get('Referrer-Policy')).toBe('strict-origin')
    expect(page.headers.get('Content-Security-Policy')).toContain(
      `script-src ${ISSUER}/oauth2-token/pages/form_post.js`,
    )
    const fields = [...page.html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
    expect(fields.map(([, name]) => name)).toEqual(['code', 'state', 'iss'])
    expect(fields.map(([, , value]) => value).slice(1)).toEqual(['st', ISSUER])
    const end = await browser.press('Continue')
    expect(end.url.href).toBe(CALLBACK)
  })

  it('form_post to a private-use scheme is refused', async () => {
    const redirectUris = ['com.example.app:/callback']
    const app = await server.addClient({ ...CODE_CLIENT, redirectUris })
    const changes = { redirect_uri: redirectUris[0], response_mode: 'form_post' }
    const response = await open(server, authorizeUrl(app, changes))
    expect(response.headers.get('Location')).toMatch(/^com\.example\.app:\/callback\?error=invalid_request&/)
  })
})

describe('a pushed authorization request (RFC 9126)', () => {
  const server = new TestServer()
  let client: TestClient
  let username: string
  let parameters: Changes

  beforeAll(async () => {
    client = await server.addClient({ ...CODE_CLIENT, confidential: true })
    username = (await server.addUser()).username
    parameters = Object.fromEntries(new URL(authorizeUrl(client)).searchParams)
  })

  const push = (changes: Changes = {}, headers = { Authorization: basic(client.id, client.secret) }) =>
    server.postJson({ ...parameters, ...changes }, headers, '/oauth2-token/par')

  it('the response has a request_uri for 60 s, which leads to a code', async () => {
    const response = await push()
    expect(response.status).toBe(201)
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    const body = await response.json<{ request_uri: string; expires_in: number }>()
    expect(Object.keys(body)).toEqual(['request_uri', 'expires_in'])
    expect(body.expires_in).toBe(60)
    const query = new URLSearchParams({ client_id: client.id, request_uri: body.request_uri, state: 'other' })
    const browser = browserOf(server)
    await browser.open(`${ISSUER}${PATH}?${query}`)
    const end = await signInAt(browser, username)
    expect(end.url.searchParams.get('state')).toBe('st')
    await server.requireTokens(exchangeOf(client, end.url.searchParams.get('code')))
    const again = await browser.open(`${ISSUER}${PATH}?${query}`)
    expect(again.url.searchParams.get('code')).not.toBeNull()
  })

  it('the request_uri works only for its client and only for 60 s, and then sends the browser back to the client', async () => {
    const other = await server.addClient(CODE_CLIENT)
    const { request_uri } = await (await push()).json<{ request_uri: string }>()
    const open = (id: string) =>
      server.fetch(`${PATH}?${new URLSearchParams({ client_id: id, request_uri })}`)
    expect((await open(other.id)).status).toBe(400)
    expect((await open(client.id)).status).toBe(200)
    server.clock.time += 60
    expect((await open(other.id)).status).toBe(400)
    const late = await open(client.id)
    expect(late.status).toBe(303)
    const { origin, pathname, searchParams } = new URL(late.headers.get('Location') ?? '')
    expect(origin + pathname).toBe(CALLBACK)
    expect(Object.fromEntries(searchParams)).toEqual({
      error: 'invalid_request_uri',
      error_description: 'The request_uri has expired. Start again.',
      state: 'st',
      iss: ISSUER,
    })
  })

  it('a POST of the request_uri does not extend its 60 s', async () => {
    const { request_uri } = await (await push()).json<{ request_uri: string }>()
    const query = new URLSearchParams({ client_id: client.id, request_uri })
    server.clock.time += 59
    const posted = await server.fetch(PATH, { method: 'POST', body: query })
    expect(posted.status).toBe(303)
    const location = new URL(posted.headers.get('Location') ?? '', ISSUER)
    expect(location.searchParams.get('request_uri')).toBe(request_uri)
    server.clock.time += 1
    const late = await server.fetch(location.pathname + location.search)
    expect(late.headers.get('Location')).toContain('error=invalid_request_uri')
  })

  it.each<[string, Changes, string]>([
    ['an unknown redirect URI', { redirect_uri: 'https://evil.example' }, 'invalid_request'],
    ['a request_uri in the request (§2.1)', { request_uri: 'urn:x' }, 'request_uri_not_supported'],
    ['no PKCE', { code_challenge: undefined }, 'invalid_request'],
    ['an unknown scope', { scope: 'everything' }, 'invalid_scope'],
  ])('the client gets the error of the request as JSON: %s', async (_what, changes, error) => {
    const response = await push(changes)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error })
  })

  it('the scopes that a client cannot have are dropped, pushed or not, and the response says which were granted', async () => {
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, scopes: ['cart'] })
    const changes = { scope: 'cart orders everything offline_access' }
    const query = Object.fromEntries(new URL(authorizeUrl(partner, changes)).searchParams)
    const pushed = await server.postJson(query, {}, '/oauth2-token/par')
    const { request_uri } = await pushed.json<{ request_uri: string }>()
    const scopes: string[] = []
    for (const url of [authorizeUrl(partner, changes), pushedUrl(partner, request_uri)]) {
      const browser = browserOf(server)
      await browser.open(url)
      await signInAt(browser, (await server.addUser()).username)
      const end = await browser.press('Allow')
      const tokens = await server.requireTokens(exchangeOf(partner, end.url.searchParams.get('code')))
      scopes.push(tokens.scope ?? '', String(decodeJwt(tokens.access_token).scope))
    }
    expect(scopes).toEqual(['cart', 'cart', 'cart', 'cart'])
  })

  it('a wrong secret gets 401 invalid_client', async () => {
    const response = await push({}, { Authorization: basic(client.id, 'wrong') })
    expect(response.status).toBe(401)
  })

  it('a confidential client that needs no PKCE sends neither challenge nor verifier', async () => {
    const web = await server.addClient({ ...CODE_CLIENT, confidential: true, requiresPkce: false })
    const changes = { code_challenge: undefined, code_challenge_method: undefined }
    const code = (await authorize(server, web, { username, changes })).get('code')
    for (const code_verifier of [VERIFIER, undefined]) {
      const downgrade = await server.postJson(exchangeOf(web, code, { code_verifier }))
      expect([downgrade.status, await downgrade.json()]).toMatchObject([400, { error: 'invalid_grant' }])
    }
    const second = (await authorize(server, web, { username, changes })).get('code')
    await server.requireTokens(exchangeOf(web, second, { code_verifier: undefined }))
  })
})
