import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { CLIENT_MARGIN_SECONDS } from '../../src/storage/copy_ages.ts'
import { auditOf } from '../support/audit.ts'
import { readFeed } from '../support/feed.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { TestServer } from '../support/server.ts'

const LOGO_PROBLEM =
  'must be data:image/png, image/svg+xml or image/webp in base64, or a path such as /logos/partner.svg'

const newId = () => `shop-${crypto.randomUUID()}`

/** The response to a client_credentials request of a client. */
async function ask(server: TestServer, id: string, secret: unknown): Promise<number> {
  const parameters = { grant_type: 'client_credentials', client_id: id, client_secret: secret }
  return (await server.postJson(parameters)).status
}

describe('a client', () => {
  it('a new client shows its secret once and works at once', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const id = newId()
    const draft = {
      client_id: id,
      name: 'Shop',
      api: 'storefront',
      grants: ['password', 'client_credentials'],
      scopes: ['cart'],
      origins: ['https://shop.example.com'],
      access_token_lifetime: 600,
    }
    const { status, headers, body } = await operator.post('/clients', draft)
    expect([status, headers.get('Location'), headers.get('ETag')]).toEqual([
      201,
      `/admin/api/clients/${id}`,
      '"1"',
    ])
    const { client_secret, ...client } = body
    const now = server.clock.time
    expect(client).toEqual({
      ...draft,
      refresh_token_lifetime: null,
      refresh: 'rotate',
      refresh_retry_window: null,
      jwks: null,
      jwks_uri: null,
      assertion_audience: 'issuer',
      redirect_uris: [],
      post_logout_redirect_uris: [],
      first_party: false,
      require_pkce: true,
      id_token_signed_response_alg: 'RS256',
      logo_uri: null,
      client_uri: null,
      policy_uri: null,
      tos_uri: null,
      additional_apis: [],
      dpop_bound_access_tokens: false,
      errors: null,
      incremental_scopes: false,
      confidential: true,
      enabled: true,
      secrets: [{ secret_id: expect.any(String), created_at: now, expires_at: null, last_used_at: null }],
      created_at: now,
      updated_at: now,
      last_used_at: null,
    })
    expect(await ask(server, id, client_secret)).toBe(200)
    const read = await operator.get(`/clients/${id}`)
    expect(read.body).toEqual({
      ...client,
      secrets: [expect.objectContaining({ last_used_at: now })],
      last_used_at: now,
    })
    expect(await operator.post('/clients', draft)).toMatchObject({
      status: 409,
      body: problem(409, 'duplicate', 'The name is taken', {
        errors: [{ path: 'client_id', message: 'is taken' }],
      }),
    })
  })

  it('clients are found by a part of the id or name, by API and by state, in pages', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const mark = crypto.randomUUID().slice(0, 8)
    for (const [i, api] of ['storefront', 'storefront', 'backoffice'].entries()) {
      await operator.post('/clients', {
        client_id: `c${i}-${mark}`,
        name: `Näme ${mark} ${i}`,
        api,
        grants: ['password'],
      })
    }
    await operator.post(`/clients/c1-${mark}/disable`)
    const idsOf = async (query: string) => {
      const { body } = await operator.get(`/clients?${query}`)
      return (body.items as { client_id: string }[]).map(({ client_id }) => client_id)
    }
    expect(await idsOf(`q=${mark}`)).toEqual([`c0-${mark}`, `c1-${mark}`, `c2-${mark}`])
    expect(await idsOf(`q=${mark.toUpperCase()}%202`)).toEqual([`c2-${mark}`])
    expect(await idsOf(`q=${mark}&api=storefront&enabled=true`)).toEqual([`c0-${mark}`])
    const added = await operator.patch(`/clients/c2-${mark}`, { additional_apis: ['storefront'] }, '"1"')
    expect(added.status).toBe(200)
    for (const [api, ids] of [
      ['storefront', [`c0-${mark}`, `c1-${mark}`, `c2-${mark}`]],
      ['backoffice', [`c2-${mark}`]],
    ] as const) {
      expect(await idsOf(`q=${mark}&api=${api}`)).toEqual(ids)
      const { body } = await operator.get(`/clients?q=${mark}&api=${api}&limit=1`)
      expect([body.total, body.total_is_exact]).toEqual([ids.length, true])
    }
    const first = await operator.get(`/clients?q=${mark}&limit=2`)
    expect(await idsOf(`q=${mark}&limit=2&cursor=${first.body.next_cursor}`)).toEqual([`c2-${mark}`])
    const last = await operator.get(`/clients?q=${mark}&limit=3`)
    expect(last.body.next_cursor).toBeNull()
  })

  it('an edit changes the given fields, and the next token has the new lifetime and scopes', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    await server.signIn(client, 'guest', 'guest')
    const changed = await operator.patch(
      `/clients/${client.id}`,
      { access_token_lifetime: 120, scopes: ['cart'], name: 'Other' },
      '"1"',
    )
    expect(changed.body).toMatchObject({
      access_token_lifetime: 120,
      scopes: ['cart'],
      name: 'Other',
      api: 'storefront',
    })
    // The client lost a scope, so it gets 503 until the margin of the revocation is over.
    server.clock.time += 1 + CLIENT_MARGIN_SECONDS
    const { access_token } = await server.signIn(client, 'guest', 'guest')
    const { iat = 0, exp, scope } = decodeJwt(access_token)
    expect([exp, scope]).toEqual([iat + 120, 'cart'])
    const back = await operator.patch(`/clients/${client.id}`, { access_token_lifetime: null }, '"2"')
    expect(back.body).toMatchObject({ access_token_lifetime: null, name: 'Other' })
    const [event] = await auditOf({ client_id: client.id, kind: 'admin' })
    const { results } = await env.DB.prepare(
      "SELECT change FROM audit_events WHERE client_id = ? AND kind = 'admin'",
    )
      .bind(client.id)
      .all<{ change: string }>()
    expect(event).toMatchObject({ reason: 'the client was changed', actor: operator.id, subject: null })
    expect(JSON.parse(results[0]?.change ?? '')).toEqual({
      operation: 'updateClient',
      fields: ['name', 'scopes', 'access_token_lifetime'],
      from: { access_token_lifetime: null, scopes: client.record.scopes },
      to: { access_token_lifetime: 120, scopes: ['cart'] },
    })
  })

  it('a client keeps its settings of sign-ins by browser, and null resets a link', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const settings = {
      grants: ['authorization_code', 'refresh_token'],
      redirect_uris: [
        'https://shop.example.com/callback',
        'http://127.0.0.1/callback',
        'com.shop.app:/callback',
      ],
      post_logout_redirect_uris: ['https://shop.example.com/'],
      first_party: true,
      require_pkce: false,
      id_token_signed_response_alg: 'ES256',
      logo_uri: 'data:image/png;base64,iVBORw0KGgo=',
      client_uri: 'https://shop.example.com',
      policy_uri: 'https://shop.example.com/privacy',
      tos_uri: 'https://shop.example.com/terms',
    }
    const id = newId()
    const made = await operator.post('/clients', { client_id: id, api: 'storefront', ...settings })
    expect([made.status, made.body]).toEqual([201, expect.objectContaining(settings)])
    expect(await server.services.clients.find(id, server.context())).toMatchObject({
      redirectUris: settings.redirect_uris,
      postLogoutRedirectUris: settings.post_logout_redirect_uris,
      isFirstParty: true,
      requiresPkce: false,
      idTokenAlgorithm: 'ES256',
      logoUri: settings.logo_uri,
    })
    const reset = { logo_uri: null, tos_uri: null, require_pkce: true }
    const changed = await operator.patch(`/clients/${id}`, reset, '"1"')
    expect([changed.status, changed.body]).toEqual([200, expect.objectContaining({ ...settings, ...reset })])
    const changes = await env.DB.prepare(
      "SELECT change FROM audit_events WHERE client_id = ? AND kind = 'admin'",
    )
      .bind(id)
      .all<{ change: string }>()
    // An image is too long for an event.
    expect(changes.results.map(({ change }) => change).join()).not.toContain('data:image')
  })

  it('the admin API refuses a third-party client that signs in operators, because roles give their rights', async () => {
    const operator = await TestOperator.confirmed(new TestServer())
    const redirect_uris = ['https://a.example/callback']
    const draft = { client_id: 'other', api: 'admin', grants: ['authorization_code'], redirect_uris }
    const refused = await operator.post('/clients', draft)
    const message = 'must be true, because the client signs in operators'
    expect([refused.status, refused.body.errors]).toEqual([422, [{ path: 'first_party', message }]])
    expect((await operator.post('/clients', { ...draft, first_party: true })).status).toBe(201)
  })

  it.each([
    [
      'the grant authorization_code without a redirect URI',
      { grants: ['authorization_code'], redirect_uris: [] },
      'redirect_uris',
      'must have at least one URI, because the client has the grant authorization_code',
    ],
    [
      'a redirect URI of a private-use scheme without first party',
      { redirect_uris: ['https://a.example/', 'com.shop.app:/callback'] },
      'redirect_uris.1',
      'must be https or http, because the client is not first-party',
    ],
    [
      'a post-logout redirect URI of a private-use scheme without first party',
      { post_logout_redirect_uris: ['com.shop.app:/bye'] },
      'post_logout_redirect_uris.0',
      'must be https or http, because the client is not first-party',
    ],
    [
      'a public client without PKCE',
      { confidential: false, require_pkce: false },
      'require_pkce',
      'must be true, because the client is public',
    ],
    [
      'a redirect URI on another host than it seems',
      { redirect_uris: ['https://shop.example.com@evil.example'] },
      'redirect_uris.0',
      'must not have a username or a password',
    ],
    [
      'a redirect URI twice',
      { redirect_uris: ['https://a.example/', 'https://a.example/'] },
      'redirect_uris',
      'must not list one of the redirect URIs twice',
    ],
    [
      'more than 20 redirect URIs',
      { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://a.example/${i}`) },
      'redirect_uris',
      'must have at most 20 redirect URIs',
    ],
    [
      'an unknown algorithm of ID tokens',
      { id_token_signed_response_alg: 'none' },
      'id_token_signed_response_alg',
      'must be one of RS256, ES256',
    ],
    ['a logo on another host', { logo_uri: 'https://a.example/a.png' }, 'logo_uri', LOGO_PROBLEM],
    ['a link without https', { tos_uri: 'javascript:alert(1)' }, 'tos_uri', 'must be https'],
  ])(
    'the admin API refuses %s for a new client, an edit and an import',
    async (_case, fields: Record<string, unknown>, path, message) => {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      const draft = { client_id: newId(), api: 'storefront', grants: ['password'] }
      const refusal = { status: 422, body: { errors: [{ path, message }] } }
      expect(await operator.post('/clients', { ...draft, ...fields })).toMatchObject(refusal)
      const { confidential = true, ...edit } = fields
      const client = await server.addClient({ confidential: confidential === true, grants: ['password'] })
      expect(await operator.patch(`/clients/${client.id}`, edit, '"1"')).toMatchObject(refusal)
      const { body } = await operator.post('/clients/import', { rows: [{ ...draft, ...fields }] })
      expect(body.results).toEqual([
        { index: 0, status: 'refused', reason: `${path}: ${message}`, client_secret: null },
      ])
    },
  )

  it('a change of first party is refused while the client has a private-use scheme', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient({ isFirstParty: true, redirectUris: ['com.shop.app:/callback'] })
    expect(await operator.patch(`/clients/${client.id}`, { first_party: false }, '"1"')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'redirect_uris.0' }] },
    })
  })

  it('a change of origins applies to preflights', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const Origin = `https://${crypto.randomUUID()}.example.com`
    const preflight = async () => {
      const headers = { Origin, 'Access-Control-Request-Method': 'POST' }
      const response = await server.fetch('/oauth2-token', { method: 'OPTIONS', headers })
      return response.headers.get('Access-Control-Allow-Origin')
    }
    expect(await preflight()).toBeNull()
    await operator.patch(`/clients/${client.id}`, { origins: [Origin] }, '"1"')
    expect(await preflight()).toBe(Origin)
    await operator.post(`/clients/${client.id}/disable`)
    expect(await preflight()).toBeNull()
  })

  it('a deleted client has its tokens revoked, and a new client with the same id does not restore them', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    expect((await operator.delete(`/clients/${client.id}`, '"1"')).status).toBe(204)
    const { revocations } = await readFeed(server)
    const before = server.clock.time + 1 + CLIENT_MARGIN_SECONDS
    expect(revocations).toContainEqual({ client_id: client.id, before })
    expect(await ask(server, client.id, client.secret)).toBe(401)
    expect(await env.KV.get(`client:${client.id}`)).toBeNull()
    const draft = { client_id: client.id, api: 'storefront', grants: ['password'], confidential: false }
    server.clock.time += 5
    expect(await operator.post('/clients', draft)).toMatchObject({
      status: 201,
      body: { client_secret: null },
    })
    const refresh = { grant_type: 'refresh_token', client_id: client.id, refresh_token }
    const refused = await server.postJson(refresh)
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })

  it('deleting a client with an impossible id is 404, for any length of the id', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    for (const name of ['%00', 'a%2Fb', 'x'.repeat(65), 'x'.repeat(600)]) {
      const answer = await operator.delete(`/clients/${name}`, '"1"')
      expect(answer.body).toEqual(
        problem(404, 'not-found', 'The record or path does not exist', {
          detail: 'The client does not exist.',
        }),
      )
    }
  })

  it('an operator cannot disable, delete or sign out the client of the own session', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const path = `/clients/${operator.client.id}`
    for (const call of [
      operator.post(`${path}/disable`),
      operator.post(`${path}/sign-out`),
      operator.delete(path, '"1"'),
    ]) {
      expect(await call).toMatchObject({
        status: 409,
        body: problem(409, 'oneself', 'Operators cannot do this to themselves', {
          detail: 'You signed in with this client.',
        }),
      })
    }
  })
})

describe('the secrets of a client', () => {
  it('a client has at most two secrets; the old one ends after an overlap, and both have a time of last use', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const id = newId()
    const made = await operator.post('/clients', {
      client_id: id,
      api: 'storefront',
      grants: ['client_credentials'],
    })
    const [old] = made.body.secrets as [{ secret_id: string }]
    server.clock.time += 60
    const added = await operator.post(`/clients/${id}/secrets`)
    expect([added.status, added.headers.get('ETag')]).toEqual([201, '"2"'])
    expect(await operator.post(`/clients/${id}/secrets`)).toMatchObject({
      status: 409,
      body: problem(409, 'secret-conflict', 'The secrets of the client do not allow this', {
        detail: 'The client is public, has keys, or has two live secrets. Retire one first.',
      }),
    })
    for (const secret of [made.body.client_secret, added.body.client_secret]) {
      expect(await ask(server, id, secret)).toBe(200)
    }
    const expires_at = server.clock.time + 3600
    const retire = `/clients/${id}/secrets/${old.secret_id}/retire`
    const retired = await operator.post(retire, { expires_at })
    expect(retired.body.secrets).toEqual([
      expect.objectContaining({ expires_at: null, last_used_at: server.clock.time }),
      { ...old, expires_at, last_used_at: server.clock.time },
    ])
    expect(await ask(server, id, made.body.client_secret)).toBe(200)
    server.clock.time += 3601
    await operator.signInAgain()
    expect(await ask(server, id, made.body.client_secret)).toBe(401)
    expect(await ask(server, id, added.body.client_secret)).toBe(200)
    expect((await operator.post(retire, {})).body).toMatchObject({ detail: 'The secret has already ended.' })
    expect((await operator.post(`/clients/${id}/secrets`)).status).toBe(201)
    expect((await operator.post(`/clients/${id}/secrets/nothing/retire`, {})).status).toBe(404)
  })

  it('a retired secret is refused at a refresh in an isolate with an old copy', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const elsewhere = server.anotherIsolate()
    const { refresh_token } = await elsewhere.signIn(client, 'guest', 'guest')
    const read = await operator.get(`/clients/${client.id}`)
    const [{ secret_id }] = read.body.secrets as [{ secret_id: string }]
    expect((await operator.post(`/clients/${client.id}/secrets/${secret_id}/retire`, {})).status).toBe(200)
    await expect(elsewhere.refresh(client, refresh_token)).rejects.toThrow('401')
  })

  it('parallel operators cannot create a third secret', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const answers = await Promise.all([1, 2, 3].map(() => operator.post(`/clients/${client.id}/secrets`)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
  })
})
