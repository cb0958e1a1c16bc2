import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { withdrawConsent } from '../../src/authorization/withdraw_consent.ts'
import type { ClientValues } from '../../src/clients/client_values.ts'
import { signToken } from '../../src/tokens/sign_token.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CODE_CLIENT,
  exchangeOf,
  newCode,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import { CHALLENGE_PATH, challengeOf, step } from '../support/challenge.ts'
import {
  BACKOFFICE_AUDIENCE,
  credentials,
  ISSUER,
  PASSWORD,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
  type TokenResponse,
} from '../support/server.ts'

const ORDERS = 'dev.ucp.shopping.order:read'
const CHECKOUT = 'dev.ucp.shopping.checkout:manage'
const SHOPPING_AUDIENCE = 'https://shop.test/ucp'

/** Two APIs of one pool, of which one is for agents, and an API of another pool. */
const APIS = {
  storefront: {
    audience: STOREFRONT_AUDIENCE,
    users: 'customers',
    guests: true,
    scopes: ['cart'],
    guest_scopes: ['cart'],
  },
  shopping: {
    audience: SHOPPING_AUDIENCE,
    users: 'customers',
    agents: true,
    scopes: [ORDERS, CHECKOUT],
    scope_texts: { [ORDERS]: 'Read your orders', [CHECKOUT]: 'Buy for you' },
  },
  backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff', scopes: ['users'] },
}

/** The scopes of a business that offers each capability of UCP. */
const UCP_SCOPES = [
  'order:read',
  'order:manage',
  'checkout:manage',
  'cart:manage',
  'catalog.search:read',
  'catalog.lookup:read',
].map((name) => `dev.ucp.shopping.${name}`)

const ALL_SCOPES = ['cart', ORDERS, CHECKOUT, 'users']
const NEEDS_PKCE = 'The client needs PKCE: send code_challenge with the method S256.'
const INVALID_TARGET = {
  error: 'invalid_target',
  error_description: 'The resource is not available to this request.',
}
const INVALID_TOKEN = { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }
const INVALID_CODE = { error: 'invalid_grant', error_description: 'The authorization code is invalid.' }

/** Values of `resource` that name no API of a client of the storefront and of the API for agents. */
const REFUSED: readonly [string, string | string[]][] = [
  ['a relative URI', '/ucp'],
  ['a URI with a fragment', `${SHOPPING_AUDIENCE}#a`],
  ['an empty fragment', `${SHOPPING_AUDIENCE}#`],
  ['a query', `${SHOPPING_AUDIENCE}?a`],
  ['two final slashes', `${SHOPPING_AUDIENCE}//`],
  ['another case', SHOPPING_AUDIENCE.toUpperCase()],
  ['the name of the API', 'shopping'],
  ['an API that the client does not have', BACKOFFICE_AUDIENCE],
  ['an unknown API', 'https://other.test/api'],
  ['two APIs of the client', [STOREFRONT_AUDIENCE, SHOPPING_AUDIENCE]],
  ['an API and an unknown API', [SHOPPING_AUDIENCE, 'https://other.test/api']],
]

const server = new TestServer({ config: { apis: APIS } })
const PAR = '/oauth2-token/par'

type Changes = Partial<ClientValues>

/** A client of the storefront that can name the API for agents. */
const addShop = (changes: Changes = {}) =>
  server.addClient({
    ...CODE_CLIENT,
    grants: ['authorization_code', 'refresh_token', 'password', 'client_credentials'],
    confidential: true,
    additionalApis: ['shopping'],
    scopes: ALL_SCOPES,
    ...changes,
  })

async function post(body: Record<string, unknown>, path?: string) {
  const response = await server.postJson(body, {}, path)
  return [response.status, await response.json()]
}

const audienceOf = ({ access_token }: TokenResponse) => decodeJwt(access_token).aud

const refreshOf = (client: TestClient, token: string | undefined, resource?: string) => ({
  grant_type: 'refresh_token',
  ...credentials(client),
  refresh_token: token,
  resource,
})

async function introspect(client: TestClient, token = '') {
  const [, description] = await post({ ...credentials(client), token }, '/oauth2-token/introspect')
  return description as { active: boolean; aud?: string; api?: string }
}

/** Stores a client without an additional API, as a PATCH of the admin API does. */
async function removeApi({ id }: TestClient) {
  const conditions = { versions: null, now: server.clock.time }
  await server.services.clientAdmin.change(id, { additionalApis: [] }, conditions, [])
  await server.services.clients.renewCopy(id, server.context())
  await server.settle()
}

describe('the parameter resource (RFC 8707)', () => {
  let shop: TestClient
  let username: string
  let subject: string

  beforeAll(async () => {
    shop = await addShop()
    ;({ username, id: subject } = await server.addUser())
  })

  it.each(REFUSED)('each endpoint refuses a resource that is %s', async (_what, resource) => {
    const url = new URL(authorizeUrl(shop))
    for (const uri of [resource].flat()) url.searchParams.append('resource', uri)
    const { searchParams } = (await browserOf(server).open(url.href)).url
    expect(Object.fromEntries(searchParams)).toMatchObject({ ...INVALID_TARGET, state: 'st' })
    const request = { ...credentials(shop), resource }
    const begun = { ...request, response_type: 'code', redirect_uri: undefined }
    const password = { ...request, grant_type: 'password', username, password: PASSWORD }
    expect(await post(begun, PAR)).toEqual([400, INVALID_TARGET])
    expect(await post(begun, '/oauth2-token/challenge')).toEqual([400, INVALID_TARGET])
    expect(await post(password)).toEqual([400, INVALID_TARGET])
    expect(await post({ ...request, grant_type: 'client_credentials' })).toEqual([400, INVALID_TARGET])
    const code = await newCode(server, shop, subject, { api: 'shopping', scope: [ORDERS] })
    expect(await post(exchangeOf(shop, code, { resource: resource as string }))).toEqual([
      400,
      INVALID_TARGET,
    ])
    const tokens = await server.requireTokens(exchangeOf(shop, code))
    const refresh = refreshOf(shop, tokens.refresh_token, resource as string)
    expect(await post(refresh)).toEqual([400, INVALID_TARGET])
    await server.refresh(shop, tokens.refresh_token)
  })

  it.each([
    ['a final slash', `${SHOPPING_AUDIENCE}/`],
    ['equal values', [SHOPPING_AUDIENCE, SHOPPING_AUDIENCE]],
    ['equal values with and without a slash', [SHOPPING_AUDIENCE, `${SHOPPING_AUDIENCE}/`]],
  ])('a request with %s names one API, and the token has its audience', async (_what, resource) => {
    const machine = { grant_type: 'client_credentials', ...credentials(shop), resource }
    const tokens = await server.requireTokens(machine)
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      aud: SHOPPING_AUDIENCE,
      scope: `${ORDERS} ${CHECKOUT}`,
    })
  })

  it('a form can repeat the parameter', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...credentials(shop) })
    for (const uri of [SHOPPING_AUDIENCE, SHOPPING_AUDIENCE]) body.append('resource', uri)
    const response = await server.postForm(body.toString())
    expect(audienceOf(await response.json<TokenResponse>())).toBe(SHOPPING_AUDIENCE)
  })

  it('without the parameter, a request is about the own API of the client', async () => {
    const machine = { grant_type: 'client_credentials', ...credentials(shop) }
    const tokens = await server.requireTokens(machine)
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: STOREFRONT_AUDIENCE, scope: 'cart' })
  })

  it('a token has only the scopes of its API', async () => {
    const machine = { grant_type: 'client_credentials', ...credentials(shop), resource: SHOPPING_AUDIENCE }
    expect(await post({ ...machine, scope: 'cart' })).toMatchObject([400, { error: 'invalid_scope' }])
    const changes = { resource: SHOPPING_AUDIENCE, scope: `cart ${ORDERS}` }
    const code = (await authorize(server, shop, { username, changes })).get('code')
    expect((await readCode(server, code)).scope).toEqual([ORDERS])
  })

  it.each([
    ['in the URL', false],
    ['in a pushed request', true],
  ])('a sign-in by browser with the resource %s gives tokens of that API only', async (_where, isPushed) => {
    const changes: Record<string, string | undefined> = { resource: SHOPPING_AUDIENCE }
    const url = new URL(authorizeUrl(shop, changes))
    if (isPushed) {
      const request = { ...Object.fromEntries(url.searchParams), ...credentials(shop) }
      const [, pushed] = await post(request, PAR)
      changes.request_uri = (pushed as { request_uri: string }).request_uri
    }
    const browser = browserOf(server)
    await browser.open(authorizeUrl(shop, changes))
    const { url: end } = await signInAt(browser, username)
    const tokens = await server.requireTokens(exchangeOf(shop, end.searchParams.get('code')))
    expect(audienceOf(tokens)).toBe(SHOPPING_AUDIENCE)
    expect(decodeJwt(tokens.refresh_token ?? '').api).toBe('shopping')
    const next = await server.requireTokens(refreshOf(shop, tokens.refresh_token, `${SHOPPING_AUDIENCE}/`))
    const last = await server.requireTokens(refreshOf(shop, next.refresh_token))
    expect([audienceOf(next), audienceOf(last)]).toEqual([SHOPPING_AUDIENCE, SHOPPING_AUDIENCE])
  })

  it('the token endpoint refuses another API than the granted one, and the code and the refresh token still work', async () => {
    const code = await newCode(server, shop, subject, { api: 'shopping', scope: [ORDERS] })
    const other = { resource: STOREFRONT_AUDIENCE }
    expect(await post(exchangeOf(shop, code, other))).toEqual([400, INVALID_TARGET])
    const tokens = await server.requireTokens(exchangeOf(shop, code))
    expect(audienceOf(tokens)).toBe(SHOPPING_AUDIENCE)
    const refresh = refreshOf(shop, tokens.refresh_token, STOREFRONT_AUDIENCE)
    expect(await post(refresh)).toEqual([400, INVALID_TARGET])
    expect(audienceOf(await server.refresh(shop, tokens.refresh_token))).toBe(SHOPPING_AUDIENCE)
    const own = await server.requireTokens({
      grant_type: 'password',
      ...credentials(shop),
      username,
      password: PASSWORD,
    })
    expect(await post(refreshOf(shop, own.refresh_token, SHOPPING_AUDIENCE))).toEqual([400, INVALID_TARGET])
  })

  it('a password session of an additional API stays with that API, without a row of the session', async () => {
    const tokens = await server.requireTokens({
      grant_type: 'password',
      ...credentials(shop),
      username,
      password: PASSWORD,
      resource: SHOPPING_AUDIENCE,
    })
    const { sid = '' } = decodeJwt<{ sid: string }>(tokens.access_token)
    expect(await server.services.shards.findList(sid)?.find(sid)).toBeNull()
    const next = await server.refresh(shop, tokens.refresh_token)
    expect([audienceOf(tokens), audienceOf(next)]).toEqual([SHOPPING_AUDIENCE, SHOPPING_AUDIENCE])
    expect(await server.services.shards.findList(sid)?.find(sid)).toMatchObject({ api: 'shopping' })
  })

  it('a sign-in in steps stays with the API of its first request', async () => {
    const client = await addShop({ additionalApis: ['shopping', 'backoffice'] })
    const begun = await step(server, client, { resource: SHOPPING_AUDIENCE })
    const next = { auth_session: begun.auth_session, username, password: PASSWORD }
    for (const resource of [STOREFRONT_AUDIENCE, BACKOFFICE_AUDIENCE])
      expect(await step(server, client, { ...next, resource })).toEqual({ status: 400, ...INVALID_TARGET })
    const { authorization_code: code = '' } = await step(server, client, next)
    const tokens = await server.requireTokens(exchangeOf(client, code, { redirect_uri: undefined }))
    expect(audienceOf(tokens)).toBe(SHOPPING_AUDIENCE)
    await removeApi(client)
    const lost = await post(challengeOf(client, next), CHALLENGE_PATH)
    expect(lost).toMatchObject([400, { error: 'invalid_session' }])
  })

  it('a code holds all scopes of UCP, a long client id and a long nonce', async () => {
    const nonce = 'n'.repeat(128)
    const scope = UCP_SCOPES
    const url = 'https://agents.example.com/oauth/0123456789abcdef0123456789abcdef/client.json'
    const code = await newCode(server, { id: url }, subject, { api: 'shopping', scope, nonce })
    expect((await readCode(server, code)).scope).toEqual(UCP_SCOPES)
    expect(code.length).toBeLessThan(1200)
  })

  it('a refresh token without the claim api is of the own API of its client', async () => {
    const tokens = await server.signIn(shop, username)
    const key = await server.services.keys.current(server.context())
    const { api: _, ...claims } = decodeJwt(tokens.refresh_token ?? '')
    const old = await signToken(claims, 'rt+jwt', key)
    expect(await post(refreshOf(shop, old, SHOPPING_AUDIENCE))).toEqual([400, INVALID_TARGET])
    expect(audienceOf(await server.refresh(shop, old))).toBe(STOREFRONT_AUDIENCE)
  })

  it('a client that loses an API gets no more tokens of that API', async () => {
    const client = await addShop()
    const code = await newCode(server, client, subject, { api: 'shopping', scope: [ORDERS] })
    const unused = await newCode(server, client, subject, { api: 'shopping', scope: [ORDERS] })
    const tokens = await server.requireTokens(exchangeOf(client, code))
    const own = await server.signIn(client, username)
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client, { resource: SHOPPING_AUDIENCE }))
    expect(await introspect(client, tokens.access_token)).toMatchObject({
      active: true,
      aud: SHOPPING_AUDIENCE,
    })
    await removeApi(client)
    expect(await introspect(client, tokens.access_token)).toEqual({ active: false })
    expect(await introspect(client, tokens.refresh_token)).toEqual({ active: false })
    expect(await post(refreshOf(client, tokens.refresh_token))).toEqual([400, INVALID_TOKEN])
    expect(await post(exchangeOf(client, unused))).toEqual([400, INVALID_CODE])
    const { url } = await signInAt(browser, username)
    expect(Object.fromEntries(url.searchParams)).toMatchObject(INVALID_TARGET)
    expect(audienceOf(await server.refresh(client, own.refresh_token))).toBe(STOREFRONT_AUDIENCE)
  })

  it('the database refuses the refresh token of an API that the client lost, also for an outdated copy of the client', async () => {
    const client = await addShop()
    const code = await newCode(server, client, subject, { api: 'shopping', scope: [ORDERS] })
    const tokens = await server.requireTokens(exchangeOf(client, code))
    await env.DB.prepare(`UPDATE clients SET additional_apis = '["backoffice"]' WHERE client_id = ?`)
      .bind(client.id)
      .run()
    expect(await post(refreshOf(client, tokens.refresh_token))).toEqual([400, INVALID_TOKEN])
  })
})

describe('an introspection of a token of an additional API', () => {
  it('only the client of the token and the clients that belong to the API see the token', async () => {
    const { username } = await server.addUser()
    const [shop, sibling] = [await addShop(), await addShop()]
    const ofApi = await server.addClient({ api: 'shopping' })
    const tokens = await server.requireTokens({
      grant_type: 'password',
      ...credentials(shop),
      username,
      password: PASSWORD,
      resource: SHOPPING_AUDIENCE,
    })
    const { access_token: access, refresh_token: refresh } = tokens
    const described = { active: true, aud: SHOPPING_AUDIENCE, scope: `${ORDERS} ${CHECKOUT}` }
    expect(await introspect(shop, access)).toMatchObject(described)
    expect(await introspect(ofApi, access)).toMatchObject(described)
    expect(await introspect(sibling, access)).toEqual({ active: false })
    expect(await introspect(shop, refresh)).toMatchObject({ active: true, api: 'shopping' })
    expect(await introspect(ofApi, refresh)).toEqual({ active: false })
    const own = await server.signIn(shop, username)
    expect(await introspect(ofApi, own.access_token)).toEqual({ active: false })
  })
})

describe('a revocation of a token of an additional API', () => {
  it.each(['access_token', 'refresh_token'] as const)(
    'the %s ends its session, and the row of the session names the API',
    async (kind) => {
      const { username } = await server.addUser()
      const shop = await addShop()
      const tokens = await server.requireTokens({
        grant_type: 'password',
        ...credentials(shop),
        username,
        password: PASSWORD,
        resource: SHOPPING_AUDIENCE,
      })
      const { sid = '' } = decodeJwt<{ sid: string }>(tokens.access_token)
      const revoked = await post({ ...credentials(shop), token: tokens[kind] }, '/oauth2-token/revoke')
      expect(revoked).toEqual([200, {}])
      expect(await server.services.shards.findList(sid)?.find(sid)).toMatchObject({
        api: 'shopping',
        endReason: 'revoked by its client',
      })
      expect(await introspect(shop, tokens.access_token)).toEqual({ active: false })
      expect(await post(refreshOf(shop, tokens.refresh_token))).toEqual([400, INVALID_TOKEN])
    },
  )
})

describe('the users and guests of the named API', () => {
  it('a consent covers one API: another API needs its own, gets no earlier scope, and survives a withdrawal', async () => {
    const client = await addShop({ isFirstParty: false, incrementalScopes: true })
    const { username, id } = await server.addUser()
    const browser = browserOf(server)
    const code = () => browser.page.url.searchParams.get('code')
    const of = (resource: string, changes = {}) => authorizeUrl(client, { resource, ...changes })
    await browser.open(of(STOREFRONT_AUDIENCE, { scope: 'cart' }))
    await signInAt(browser, username)
    await browser.press('Allow')
    const storefront = await server.requireTokens(exchangeOf(client, code()))
    await browser.open(of(SHOPPING_AUDIENCE, { scope: ORDERS, prompt: 'none' }))
    expect(browser.page.url.searchParams.get('error')).toBe('consent_required')
    await browser.open(of(SHOPPING_AUDIENCE, { scope: ORDERS }))
    expect(browser.page.html).not.toContain('<li>cart')
    await browser.press('Allow')
    const shopping = await server.requireTokens(exchangeOf(client, code()))
    expect(decodeJwt(shopping.access_token)).toMatchObject({ aud: SHOPPING_AUDIENCE, scope: ORDERS, sub: id })
    const select = env.DB.prepare('SELECT id, api FROM consents WHERE subject = ? ORDER BY api DESC')
    const { results } = await select.bind(id).all()
    expect(results.map(({ api }) => api)).toEqual(['storefront', 'shopping'])
    const consent = await server.services.consents.find(id, String(results[0]?.id))
    if (consent === null) throw new Error('the consent is not stored')
    await withdrawConsent(consent, [], server.services, server.clock.time)
    await expect(server.refresh(client, storefront.refresh_token)).rejects.toThrow('invalid_grant')
    await server.refresh(client, shopping.refresh_token)
  })

  it('a pushed request stays with its API, also with another resource in the URL', async () => {
    const shop = await addShop()
    const { username } = await server.addUser()
    const pushed = { ...challengeOf(shop, { redirect_uri: CODE_CLIENT.redirectUris[0] }), scope: 'cart' }
    const response = await server.postJson({ ...pushed, resource: STOREFRONT_AUDIENCE }, {}, PAR)
    const { request_uri } = await response.json<{ request_uri: string }>()
    const changes = { request_uri, resource: SHOPPING_AUDIENCE, scope: ORDERS }
    const end = await authorize(server, shop, { username, changes })
    const tokens = await server.requireTokens(exchangeOf(shop, end.get('code')))
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: STOREFRONT_AUDIENCE, scope: 'cart' })
  })

  it('the pool of the named API signs in, and the users of the own API are unknown there', async () => {
    const client = await addShop({ additionalApis: ['shopping', 'backoffice'] })
    const [customer, clerk] = [await server.addUser(), await server.addUser({ pool: 'staff' })]
    const resource = BACKOFFICE_AUDIENCE
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    await signInAt(browser, customer.username)
    const page = await browser.open(authorizeUrl(client, { resource }))
    expect(page.html).toContain('Password')
    expect((await signInAt(browser, customer.username)).html).toContain('Password')
    const { url } = await signInAt(browser, clerk.username)
    const tokens = await server.requireTokens(exchangeOf(client, url.searchParams.get('code')))
    expect(decodeJwt(tokens.access_token)).toMatchObject({ sub: clerk.id, aud: resource, scope: 'users' })
    const password = { grant_type: 'password', ...credentials(client), password: PASSWORD, resource }
    expect(await post({ ...password, username: customer.username })).toMatchObject([
      400,
      { error: 'invalid_grant', error_description: 'The user credentials were incorrect.' },
    ])
    const signedIn = await server.requireTokens({ ...password, username: clerk.username })
    expect(audienceOf(await server.refresh(client, signedIn.refresh_token))).toBe(resource)
  })

  it('a code for a guest of the named API gives tokens of that API only', async () => {
    const client = await server.addClient({
      ...CODE_CLIENT,
      api: 'shopping',
      additionalApis: ['storefront'],
      scopes: ALL_SCOPES,
    })
    const url = authorizeUrl(client, { resource: STOREFRONT_AUDIENCE })
    const path = url.replace('/authorize?', '/authorize-visitor?').slice(ISSUER.length)
    const location = new URL((await server.fetch(path)).headers.get('Location') ?? '')
    const code = location.searchParams.get('code')
    const other = exchangeOf(client, code, { resource: SHOPPING_AUDIENCE })
    expect(await post(other)).toEqual([400, INVALID_TARGET])
    const tokens = await server.requireTokens(exchangeOf(client, code))
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: STOREFRONT_AUDIENCE, scope: 'cart' })
    expect(await post(refreshOf(client, tokens.refresh_token, SHOPPING_AUDIENCE))).toEqual([
      400,
      INVALID_TARGET,
    ])
    expect(audienceOf(await server.refresh(client, tokens.refresh_token))).toBe(STOREFRONT_AUDIENCE)
  })

  it('a guest belongs to the named API: an API without guests has none, and merges no guest of another API', async () => {
    const client = await addShop()
    const { username } = await server.addUser()
    const guest = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
    expect(await post({ ...guest, resource: SHOPPING_AUDIENCE })).toMatchObject([
      400,
      { error: 'invalid_grant' },
    ])
    const path = authorizeUrl(client, { resource: SHOPPING_AUDIENCE }).replace(
      '/authorize?',
      '/authorize-visitor?',
    )
    const response = await server.fetch(path.slice(path.indexOf('/oauth2-token')))
    const { searchParams } = new URL(response.headers.get('Location') ?? '')
    expect(searchParams.get('error')).toBe('unauthorized_client')
    const visitor = await server.requireTokens(guest)
    const merge = { visitor_access_token: visitor.access_token, resource: SHOPPING_AUDIENCE }
    const signIn = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
    const tokens = await server.requireTokens({ ...signIn, ...merge })
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty('visitor_id')
    const code = (await authorize(server, client, { username, changes: merge })).get('code')
    expect((await readCode(server, code)).visitor).toBeNull()
    const code2 = await newCode(server, client, visitorOf(visitor), {
      api: 'shopping',
      scope: [ORDERS],
      auth: null,
    })
    expect(await post(exchangeOf(client, code2))).toEqual([400, INVALID_CODE])
    expect(audienceOf(await server.refresh(client, visitor.refresh_token))).toBe(STOREFRONT_AUDIENCE)
  })
})

const visitorOf = ({ access_token }: TokenResponse) => decodeJwt(access_token).sub ?? ''

describe('an API with agents', () => {
  it('a client of an API with agents needs PKCE at each endpoint (RFC 7636)', async () => {
    const fields = { requiresPkce: false, api: 'shopping', additionalApis: [] }
    const client = await addShop(fields)
    const { id: subject } = await server.addUser()
    const none = { code_challenge: undefined, code_challenge_method: undefined }
    const { searchParams } = (await browserOf(server).open(authorizeUrl(client, none))).url
    const refusal = { error: 'invalid_request', error_description: NEEDS_PKCE }
    expect(Object.fromEntries(searchParams)).toMatchObject(refusal)
    expect(await post({ response_type: 'code', ...credentials(client) }, PAR)).toEqual([400, refusal])
    const code = await newCode(server, client, subject, {
      api: 'shopping',
      scope: [ORDERS],
      challenge: null,
    })
    expect(await post(exchangeOf(client, code, { code_verifier: undefined }))).toEqual([400, INVALID_CODE])
  })

  it('a client of another API needs PKCE for a request that names the API with agents', async () => {
    const client = await addShop({ requiresPkce: false })
    const none = { code_challenge: undefined, code_challenge_method: undefined }
    const own = await browserOf(server).open(authorizeUrl(client, none))
    expect(own.html).toContain('Password')
    const named = await browserOf(server).open(authorizeUrl(client, { ...none, resource: SHOPPING_AUDIENCE }))
    expect(named.url.searchParams.get('error_description')).toBe(NEEDS_PKCE)
  })
})
