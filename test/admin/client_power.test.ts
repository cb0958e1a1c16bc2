import { describe, expect, it } from 'vitest'
import type { ClientValues } from '../../src/clients/client_values.ts'
import { newKey } from '../support/assertions.ts'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
} from '../support/authorize.ts'
import { type AdminAnswer, TestCaller, TestOperator } from '../support/operator.ts'
import { ISSUER, TestServer } from '../support/server.ts'

// A client of the admin API that signs in operators by browser gives its redirect URIs the rights of each operator.

const OTHER = 'https://other.test/callback'

const SIGN_IN = { ...CODE_CLIENT, api: 'admin', scopes: [] } satisfies Partial<ClientValues>
const PASSWORD_ONLY = { ...SIGN_IN, grants: ['password'] } satisfies Partial<ClientValues>
const CONFIDENTIAL = { ...SIGN_IN, confidential: true } satisfies Partial<ClientValues>

const draft = (changes: object = {}) => ({
  client_id: `made-${crypto.randomUUID()}`,
  api: 'admin',
  grants: ['authorization_code'],
  redirect_uris: [OTHER],
  first_party: true,
  confidential: false,
  ...changes,
})

type Send = (operator: TestOperator) => Promise<AdminAnswer>

/** A call about a new client with these values. */
function about(
  values: Partial<ClientValues>,
  send: (operator: TestOperator, path: string) => Promise<AdminAnswer>,
): Send {
  return async (operator) => {
    const { id } = await operator.server.addClient(values)
    return send(operator, `/clients/${id}`)
  }
}

function edit(values: Partial<ClientValues>, body: object): Send {
  return about(values, (operator, path) => operator.patch(path, body, '"1"'))
}

const jwks = { keys: [(await newKey()).jwk] }
const EVERY_FIELD = {
  grants: [...SIGN_IN.grants],
  scopes: [],
  redirect_uris: [CALLBACK],
  first_party: true,
  name: 'Renamed',
}

const POWERFUL: Record<string, Send> = {
  'to create a client that signs in operators by browser': (operator) => operator.post('/clients', draft()),
  'to create such a client disabled': (operator) => operator.post('/clients', draft({ enabled: false })),
  'to import such a client': (operator) =>
    operator.post('/clients/import', { rows: [draft({ api: 'storefront' }), draft()] }),
  'to add a redirect URI to such a client': edit(SIGN_IN, { redirect_uris: [CALLBACK, OTHER] }),
  'to replace the redirect URI of such a client': edit(SIGN_IN, { redirect_uris: [OTHER] }),
  'to give the grant authorization_code to a client with redirect URIs': edit(PASSWORD_ONLY, {
    grants: ['password', 'authorization_code'],
  }),
  'to add another grant to such a client': edit(
    { ...SIGN_IN, grants: ['authorization_code'] },
    { grants: ['authorization_code', 'refresh_token'] },
  ),
  'to make such a client of an earlier version first-party': edit(
    { ...SIGN_IN, isFirstParty: false },
    { first_party: true },
  ),
  'to enable such a client': about({ ...SIGN_IN, enabled: false }, (operator, path) =>
    operator.post(`${path}/enable`),
  ),
  'to add a secret to such a client': about(CONFIDENTIAL, (operator, path) =>
    operator.post(`${path}/secrets`),
  ),
  'to give keys to such a client': edit(CONFIDENTIAL, { jwks }),
  'to give another URL of keys to such a client': edit(
    { ...CONFIDENTIAL, jwksUri: 'https://partner.example/jwks' },
    { jwks_uri: 'https://keys.example/jwks' },
  ),
}

const HARMLESS: Record<string, Send> = {
  'to try an import of such a client': (operator) =>
    operator.post('/clients/import', { rows: [draft()], dry_run: true }),
  'to create a client of another API that signs in users by browser': (operator) =>
    operator.post('/clients', draft({ api: 'storefront' })),
  'to create a client of the admin API with the grant password only': (operator) =>
    operator.post('/clients', draft({ grants: ['password'] })),
  'to add a redirect URI to a client of another API': edit(
    { ...SIGN_IN, api: 'storefront' },
    { redirect_uris: [CALLBACK, OTHER] },
  ),
  'to send the same values again': edit(SIGN_IN, EVERY_FIELD),
  'to send the same keys again': edit({ ...CONFIDENTIAL, jwks }, { jwks, name: 'Renamed' }),
  'to remove a redirect URI': edit(
    { ...SIGN_IN, redirectUris: [OTHER, CALLBACK] },
    { redirect_uris: [CALLBACK] },
  ),
  'to remove the grant authorization_code': edit(SIGN_IN, { grants: ['refresh_token'], redirect_uris: [] }),
  'to change other fields': edit(SIGN_IN, {
    origins: ['https://other.test'],
    post_logout_redirect_uris: ['https://other.test/'],
    access_token_lifetime: 300,
  }),
  'to disable such a client': about(SIGN_IN, (operator, path) => operator.post(`${path}/disable`)),
}

describe('a client that signs in operators by browser', () => {
  it.each(Object.keys(POWERFUL))('a confirmation is required %s', async (name) => {
    const call = POWERFUL[name] ?? (() => Promise.reject(new Error(name)))
    const operator = await TestOperator.signIn(new TestServer())
    const refused = await call(operator)
    expect([refused.status, refused.body.type]).toEqual([
      403,
      'urn:problem-type:sallyport:confirmation-required',
    ])
    await operator.confirm()
    expect((await call(operator)).status).toBeLessThan(300)
  })

  it.each(Object.keys(HARMLESS))('a confirmation is not required %s', async (name) => {
    const call = HARMLESS[name] ?? (() => Promise.reject(new Error(name)))
    const operator = await TestOperator.signIn(new TestServer())
    const { status, body } = await call(operator)
    expect(status, JSON.stringify(body)).toBeLessThan(300)
  })

  it('a stolen access token of an admin sends no code of another admin to a new redirect URI', async () => {
    const server = new TestServer()
    const thief = await TestOperator.signIn(server)
    const client = await server.addClient(SIGN_IN)
    const victim = await server.addUser({ pool: 'operators', roles: ['admin'] })
    const browser = browserOf(server)
    expect((await authorize(server, client, { username: victim.username, browser })).has('code')).toBe(true)
    const edit = { redirect_uris: [CALLBACK, OTHER] }
    const openLink = () => browser.open(authorizeUrl(client, { redirect_uri: OTHER }))
    expect((await thief.patch(`/clients/${client.id}`, edit, '"1"')).status).toBe(403)
    expect((await openLink()).url.origin).toBe(ISSUER)
    // With the password, the link needs no page. So the confirmation is the protection.
    await thief.confirm()
    expect((await thief.patch(`/clients/${client.id}`, edit, '"1"')).status).toBe(200)
    const { url } = await openLink()
    expect(url.origin).toBe(new URL(OTHER).origin)
    const exchange = exchangeOf(client, url.searchParams.get('code'), { redirect_uri: OTHER })
    const session = new TestCaller(server, await server.requireTokens(exchange))
    expect((await session.get('/me')).body).toMatchObject({ id: victim.id, roles: ['admin'] })
  })
})
