import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ClientValues } from '../../src/clients/client_values.ts'
import { authorizeUrl, CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { TestOperator } from '../support/operator.ts'
import {
  ADMIN_AUDIENCE,
  BACKOFFICE_AUDIENCE,
  credentials,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  TestServer,
} from '../support/server.ts'

const UCP_SCOPE = 'dev.ucp.shopping.order:read'

/** APIs with each format of errors. */
const APIS = {
  storefront: { audience: STOREFRONT_AUDIENCE, users: 'customers', guests: true },
  agents: {
    audience: 'https://shop.test/ucp',
    users: 'customers',
    agents: true,
    scopes: [UCP_SCOPE],
    scope_texts: { [UCP_SCOPE]: 'Read your orders' },
  },
  backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff', errors: 'rfc6749' },
  admin: { audience: ADMIN_AUDIENCE, users: 'operators' },
}
const config = { errors: 'oro', apis: APIS, admin_api: 'admin' }

/** The error for a wrong secret, and for a wrong refresh token, in each format. */
const ERRORS = {
  rfc6749: {
    client: [401, { error: 'invalid_client', error_description: 'Client authentication failed.' }],
    token: [400, { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }],
  },
  oro: {
    client: [
      401,
      {
        error: 'invalid_client',
        error_description: 'Client authentication failed',
        message: 'Client authentication failed',
      },
    ],
    token: [
      401,
      {
        error: 'invalid_request',
        error_description: 'The refresh token is invalid.',
        message: 'The refresh token is invalid.',
      },
    ],
  },
} as const

describe('the format of the errors of a client, with errors: oro', () => {
  const server = new TestServer({ config })
  const withErrors = (changes: Partial<ClientValues>) =>
    server.addClient({ ...CODE_CLIENT, confidential: true, ...changes })
  const answer = async (response: Response) => [response.status, await response.json()]
  const wrongSecret = ({ id }: TestClient) => ({ client_id: id, client_secret: 'x', grant_type: 'password' })
  const wrongToken = (client: TestClient) => ({
    grant_type: 'refresh_token',
    ...credentials(client),
    refresh_token: 'x',
  })

  it.each<[string, Partial<ClientValues>, keyof typeof ERRORS]>([
    ['a client without a format', {}, 'oro'],
    ['a client with its own format', { errorDialect: 'rfc6749' }, 'rfc6749'],
    ['a client of an API with a format', { api: 'backoffice' }, 'rfc6749'],
    ['a client with another format than its API', { api: 'backoffice', errorDialect: 'oro' }, 'oro'],
    ['a client of an API with agents', { api: 'agents' }, 'rfc6749'],
    ['a client that can name an API with agents', { additionalApis: ['agents'] }, 'rfc6749'],
    // The API got agents after an operator had set the format.
    ['a client with oro of an API with agents', { api: 'agents', errorDialect: 'oro' }, 'rfc6749'],
  ])('each endpoint uses the format of %s', async (_what, changes, dialect) => {
    const client = await withErrors(changes)
    const expected = ERRORS[dialect]
    for (const path of ['', '/revoke', '/introspect', '/par', '/challenge'].map(
      (end) => `/oauth2-token${end}`,
    )) {
      const body = { ...wrongSecret(client), token: 'x', response_type: 'code' }
      expect([path, ...(await answer(await server.postJson(body, {}, path)))]).toEqual([
        path,
        ...expected.client,
      ])
    }
    expect(await answer(await server.postJson(wrongToken(client)))).toEqual(expected.token)
    const step = { ...credentials(client), response_type: 'code' }
    const next = await server.postJson(step, {}, '/oauth2-token/challenge')
    expect('message' in (await next.json<object>())).toBe(dialect === 'oro')
  })

  it('an unknown client gets the top-level format', async () => {
    const body = { client_id: 'unknown', client_secret: 'x', grant_type: 'password' }
    expect(await answer(await server.postJson(body))).toEqual(ERRORS.oro.client)
  })

  it('another redirect URI is invalid_grant for a client of an API with agents, and invalid_client for an OroCommerce client', async () => {
    const { id: subject } = await server.addUser()
    const errorOf = async (changes: Partial<ClientValues>) => {
      const client = await withErrors(changes)
      const code = await newCode(server, client, subject, { api: client.record.api, scope: [] })
      const other = { redirect_uri: 'https://other.test/callback' }
      return answer(await server.postJson(exchangeOf(client, code, other)))
    }
    expect(await errorOf({ api: 'agents' })).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'The authorization code is invalid.' },
    ])
    expect(await errorOf({})).toEqual(ERRORS.oro.client)
  })

  it('the authorization endpoint shows a page for a client of an API with agents, and JSON of OroCommerce for another client', async () => {
    const open = async (changes: Partial<ClientValues>, accept: string) => {
      const url = authorizeUrl(await withErrors(changes), { redirect_uri: 'https://evil.test/' })
      return server.fetch(url.slice(ISSUER.length), { headers: { Accept: accept } })
    }
    const page = await open({ api: 'agents' }, 'text/html')
    expect([page.status, page.headers.get('Content-Type')]).toEqual([400, 'text/html; charset=UTF-8'])
    expect(await answer(await open({ api: 'agents' }, '*/*'))).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The client or the redirect_uri is not known.' },
    ])
    expect(await answer(await open({}, 'text/html'))).toEqual(ERRORS.oro.client)
  })
})

describe('the fields for several APIs in the admin API', () => {
  const server = new TestServer({ config })
  let operator: TestOperator

  beforeAll(async () => {
    operator = await TestOperator.signIn(server)
  })

  it.each<[Record<string, unknown>, string, string]>([
    [{ additional_apis: ['admin'] }, 'additional_apis.0', 'must be one of agents, backoffice'],
    [{ additional_apis: ['storefront'] }, 'additional_apis.0', 'must be one of agents, backoffice'],
    [{ additional_apis: ['nope'] }, 'additional_apis.0', 'must be one of agents, backoffice'],
    [
      { api: 'admin', first_party: true, additional_apis: ['storefront'] },
      'additional_apis.0',
      'must be empty: no other API can be added',
    ],
    [
      { additional_apis: ['agents'], errors: 'oro' },
      'errors',
      'must not be oro, because the API agents has agents',
    ],
    [{ errors: 'html' }, 'errors', 'must be one of rfc6749, oro'],
    [
      { first_party: true, incremental_scopes: true },
      'incremental_scopes',
      'must be false, because a first-party client has no consents',
    ],
    [
      { additional_apis: ['agents'], scopes: ['nope'] },
      'scopes.0',
      'must be a scope of the APIs storefront, agents',
    ],
  ])('the admin API refuses a client with %j', async (changes, path, message) => {
    const client = { client_id: `c-${crypto.randomUUID()}`, api: 'storefront', grants: ['password'] }
    const { status, body } = await operator.post('/clients', { ...client, ...changes })
    expect([status, body.errors]).toEqual([422, [{ path, message }]])
  })

  it('the admin API stores a scope of UCP, and the client requests it', async () => {
    const scopes = { scopes: [UCP_SCOPE], additional_apis: ['agents'] }
    const id = `ucp-${crypto.randomUUID()}`
    const draft = { client_id: id, api: 'storefront', grants: ['client_credentials'], ...scopes }
    const { status, body } = await operator.post('/clients', draft)
    expect([status, body]).toMatchObject([201, scopes])
    const tokens = await server.requireTokens({
      grant_type: 'client_credentials',
      client_id: id,
      client_secret: body.client_secret,
      resource: 'https://shop.test/ucp',
      scope: UCP_SCOPE,
    })
    expect(decodeJwt(tokens.access_token)).toMatchObject({ scope: UCP_SCOPE, aud: 'https://shop.test/ucp' })
  })

  it('a stored client with the admin API as an additional API gets no token for it', async () => {
    const client = await server.addClient({ additionalApis: ['admin'], scopes: ['users:read'] })
    const machine = { grant_type: 'client_credentials', ...credentials(client) }
    const response = await server.postJson({ ...machine, resource: ADMIN_AUDIENCE })
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_target' }])
  })

  it('the loss of an additional API revokes the access tokens of the client', async () => {
    const client = await server.addClient({ additionalApis: ['agents'] })
    const resource = 'https://shop.test/ucp'
    const machine = { grant_type: 'client_credentials', ...credentials(client) }
    const tokens = await server.requireTokens({ ...machine, resource })
    const introspect = async () => {
      const body = { ...credentials(client), token: tokens.access_token }
      return answerOf(await server.postJson(body, {}, '/oauth2-token/introspect'))
    }
    expect(await introspect()).toMatchObject({ active: true, aud: resource })
    const changed = await operator.patch(`/clients/${client.id}`, { additional_apis: [] }, '"1"')
    expect(changed.body).toMatchObject({ additional_apis: [] })
    expect(await introspect()).toEqual({ active: false })
    server.clock.time += 60
    await operator.patch(`/clients/${client.id}`, { additional_apis: ['agents'] }, '"2"')
    expect(await introspect()).toEqual({ active: false })
  })
})

const answerOf = (response: Response) => response.json<object>()
