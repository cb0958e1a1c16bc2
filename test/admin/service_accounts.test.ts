import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/admin/operations.ts'
import { ADMIN_SCOPE_NAMES, type AdminScope } from '../../src/oauth/admin_scope.ts'
import { CLIENT_MARGIN_SECONDS } from '../../src/storage/copy_ages.ts'
import { auditOf } from '../support/audit.ts'
import { WITH_MAIL } from '../support/mail_sink.ts'
import { EXAMPLES, NEW_PASSWORD, newUser } from '../support/operation_examples.ts'
import { type AdminAnswer, problem, TestOperator } from '../support/operator.ts'
import { credentials, emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'

const TABLE = OPERATIONS.map(({ id, ...operation }) => [id, operation] as const)

/** Operations that change nothing if they run twice, or at all. */
const MAY_CHANGE_NOTHING = ['verifyHash', 'rotateKeys', 'resealKeys']

const operatorOnly = (detail: string) =>
  problem(403, 'operator-only', 'Only an operator can do this', { detail })

async function sendExample(
  id: string,
  account: TestServiceAccount,
  operator: TestOperator,
): Promise<AdminAnswer> {
  const example = await EXAMPLES[id]?.(account.server, operator)
  const operation = OPERATIONS.find((candidate) => candidate.id === id)
  if (!operation || !example) throw new Error(`no operation ${id}`)
  return account.call(operation.method, example.path, example)
}

async function rowCounts(): Promise<unknown> {
  const tables = ['users', 'clients', 'client_secrets', 'cutoffs', 'audit_events']
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`)
  return env.DB.prepare(`SELECT ${counts.join(', ')}`).first()
}

describe('a service account', () => {
  it.each(TABLE)('a service account may call exactly the operations of its scopes: %s', async (id, spec) => {
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.signIn(server)
    const { scope, status, method } = spec
    const others = ADMIN_SCOPE_NAMES.filter((name) => name !== scope)
    const without = await sendExample(id, await TestServiceAccount.withScopes(server, others), operator)
    expect([without.status, without.headers.get('Content-Type')]).toEqual([403, 'application/problem+json'])
    if (scope === null) {
      expect(without.body).toEqual(operatorOnly('Service accounts cannot call this operation.'))
      return
    }
    expect(without.body).toEqual(
      problem(403, 'scope-missing', 'The scope of the service account does not allow this', {
        detail: `This takes the scope ${scope}.`,
      }),
    )
    expect(without.headers.get('WWW-Authenticate')).toBe(
      `Bearer realm="sallyport-admin", error="insufficient_scope", scope="${scope}"`,
    )
    const account = await TestServiceAccount.withScopes(server, [scope])
    expect((await sendExample(id, account, operator)).status).toBe(status)
    const events = await auditOf({ actor: account.client.id, actor_client: account.client.id })
    if (method !== 'GET' && !MAY_CHANGE_NOTHING.includes(id))
      expect(events).toMatchObject([{ outcome: 'ok' }])
  })

  it('the scopes of the admin API are known without config.yml, and the metadata does not list them', async () => {
    const server = new TestServer(WITH_MAIL)
    const metadata = await (await server.fetch('/.well-known/oauth-authorization-server')).json()
    expect(metadata).toMatchObject({ scopes_supported: expect.not.arrayContaining(ADMIN_SCOPE_NAMES) })
    const { tokens, client } = await TestServiceAccount.withScopes(server, ['users:read', 'audit:read'])
    expect(tokens).toMatchObject({ scope: 'users:read audit:read' })
    const narrow = { grant_type: 'client_credentials', ...credentials(client), scope: 'audit:read' }
    const account = new TestServiceAccount(server, client, await server.requireTokens(narrow))
    expect((await account.get('/audit')).status).toBe(200)
    expect((await account.get('/users')).status).toBe(403)
  })

  it('an admin scope needs the grant client_credentials, which a public client cannot have', async () => {
    const operator = await TestOperator.confirmed(new TestServer(WITH_MAIL))
    const draft = { client_id: 'account', api: 'admin', scopes: ['users:read'] }
    const needsGrant = 'needs the grant client_credentials: it is for service accounts'
    const refused = await operator.post('/clients', { ...draft, grants: ['password'] })
    expect([refused.status, refused.body.errors]).toEqual([422, [{ path: 'scopes.0', message: needsGrant }]])
    const isPublic = { ...draft, grants: ['client_credentials'], confidential: false }
    expect((await operator.post('/clients', isPublic)).status).toBe(422)
    const made = await operator.post('/clients', { ...draft, grants: ['client_credentials'] })
    expect([made.status, made.body.scopes]).toEqual([201, ['users:read']])
    const edit = await operator.patch('/clients/account', { grants: ['password'] }, '"1"')
    expect([edit.status, edit.body.errors]).toEqual([422, [{ path: 'scopes.0', message: needsGrant }]])
    const storefront = await operator.post('/clients', {
      ...draft,
      client_id: 'shop',
      api: 'storefront',
      grants: ['client_credentials'],
    })
    expect(storefront.status).toBe(422)
  })

  it('a back end creates a user, sets the password, disables and signs out, and CI creates a client', async () => {
    const server = new TestServer(WITH_MAIL)
    const ci = await TestServiceAccount.withScopes(server, ['clients:write'])
    const draft = { client_id: 'shop-web', api: 'storefront', grants: ['password'], scopes: ['cart'] }
    const made = await ci.post('/clients', draft)
    expect(made.status).toBe(201)
    const client = { ...ci.client, id: 'shop-web', secret: String(made.body.client_secret) }
    const shop = await TestServiceAccount.withScopes(server, ['users:write', 'sessions:end'])
    const user = await shop.post('/users', { ...newUser(), username: 'zoe@shop.test' })
    const path = `/users/${user.body.id}`
    const { access_token: token } = await server.signIn(client, 'zoe@shop.test')
    expect((await shop.post(`${path}/sign-out`)).status).toBe(200)
    const described = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
    expect(await described.json()).toEqual({ active: false })
    expect((await shop.post(`${path}/password`, { password: NEW_PASSWORD })).status).toBe(200)
    server.clock.time += 10
    await server.signIn(client, 'zoe@shop.test', NEW_PASSWORD)
    expect((await shop.post(`${path}/disable`)).status).toBe(200)
    await expect(server.signIn(client, 'zoe@shop.test', NEW_PASSWORD)).rejects.toThrow('invalid_grant')
    const events = await auditOf({ actor: shop.client.id, subject: String(user.body.id) })
    expect(events.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'admin ok',
      ...Array.from({ length: 3 }, () => 'cut_off ok'),
    ])
  })

  it('a service account has a budget of searches through whole tables, and of password checks', async () => {
    const server = new TestServer(WITH_MAIL)
    const scopes: AdminScope[] = ['users:read', 'audit:read', 'sessions:read', 'users:write']
    const account = await TestServiceAccount.withScopes(server, scopes)
    const searches = [
      '/users?q=x',
      '/users?role=x',
      '/audit?outcome=refused',
      '/audit?api=storefront',
      '/sessions',
    ]
    for (let i = 0; i < 12; i++) {
      for (const path of searches) expect((await account.get(path)).status).toBe(200)
    }
    const check = { password: 'x', password_hash: 'x' }
    const setting = account.post('/users/user:x/password', { password: NEW_PASSWORD })
    const verifying = account.post('/users/import/verify', check)
    const creating = account.post('/users', newUser())
    const answers = await Promise.all([
      ...searches.map((path) => account.get(path)),
      verifying,
      setting,
      creating,
    ])
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('Retry-After'), body.detail]).toEqual([
        429,
        '1',
        'It has changed or searched too many records.',
      ])
    }
    for (const path of ['/users', '/users?username=x&role=x', '/audit', '/audit?subject=x&outcome=ok']) {
      expect((await account.get(path)).status).toBe(200)
    }
    const operator = await TestOperator.signIn(server)
    for (const path of searches) expect((await operator.get(path)).status).toBe(200)
  })

  it('an operator has a budget of searches through whole tables, and none of other reads and of changes', async () => {
    const server = new TestServer()
    const [operator, other] = [await TestOperator.signIn(server), await TestOperator.signIn(server)]
    const user = await server.addUser()
    const searches = ['/users?q=x', '/audit?api=storefront', '/sessions', '/search?q=x']
    for (let i = 0; i < 15; i++) {
      for (const path of searches) expect((await operator.get(path)).status).toBe(200)
    }
    for (const path of searches) {
      const { status, headers, body } = await operator.get(path)
      expect([status, headers.get('Retry-After'), body]).toEqual([
        429,
        '1',
        problem(429, 'too-many-requests', 'The budget of the caller is used up', {
          detail: 'It has changed or searched too many records.',
        }),
      ])
      expect((await other.get(path)).status).toBe(200)
    }
    for (const path of ['/users', '/users?username=x', `/sessions?subject=${user.id}`, '/audit'])
      expect((await operator.get(path)).status).toBe(200)
    expect((await operator.post(`/users/${user.id}/disable`)).status).toBe(200)
    server.clock.time += 1
    expect((await operator.get('/search?q=x')).status).toBe(200)
    expect((await operator.get('/search?q=x')).status).toBe(429)
  })

  it('the hashes of a service account use up its budget: new passwords, new users and imported passwords', async () => {
    const server = new TestServer()
    const account = await TestServiceAccount.withScopes(server, ['users:write'])
    const { id } = await server.addUser()
    const row = () => ({ ...newUser(), username: `${crypto.randomUUID()}@x.test` })
    const statusOf = async (path: string, body: object) => (await account.post(path, body)).status
    for (const hashes of [20, 20, 18]) {
      const rows = Array.from({ length: hashes }, row)
      expect(await statusOf('/users/import', { rows })).toBe(200)
    }
    expect(await statusOf(`/users/${id}/password`, { password: NEW_PASSWORD })).toBe(200)
    expect(await statusOf('/users', newUser())).toBe(201)
    expect(await statusOf(`/users/${id}/password`, { password: NEW_PASSWORD })).toBe(429)
    expect(await statusOf('/users/import', { rows: [row()] })).toBe(429)
    server.clock.time += 1
    expect(await statusOf(`/users/${id}/password`, { password: NEW_PASSWORD })).toBe(200)
  })

  it('the scope of the token of an operator gives no right: only roles do', async () => {
    const server = new TestServer()
    const scopes: AdminScope[] = ['users:write', 'users:read']
    const grants = ['password', 'client_credentials'] as const
    const client = await server.addClient({ api: 'admin', scopes, grants: [...grants] })
    const { username } = await server.addUser({ pool: 'operators', roles: ['support'] })
    const none = await server.addUser({ pool: 'operators' })
    const support = new TestServiceAccount(server, client, await server.signIn(client, username))
    expect(support.tokens).toMatchObject({ scope: 'users:write users:read' })
    expect((await support.get('/users')).status).toBe(200)
    expect((await support.get('/audit')).status).toBe(200)
    expect((await support.post('/users', newUser())).body.type).toBe(
      'urn:problem-type:sallyport:role-missing',
    )
    const roleless = new TestServiceAccount(server, client, await server.signIn(client, none.username))
    expect((await roleless.get('/users')).status).toBe(403)
  })
})

describe('the end of a right of a service account', () => {
  const ENDINGS: Record<
    string,
    (operator: TestOperator, account: TestServiceAccount) => Promise<AdminAnswer>
  > = {
    'a scope is removed': (operator, { client }) =>
      operator.patch(`/clients/${client.id}`, { scopes: ['audit:read'] }, '"1"'),
    'the client is disabled': (operator, { client }) => operator.post(`/clients/${client.id}/disable`),
    'the client is signed out': (operator, { client }) => operator.post(`/clients/${client.id}/sign-out`),
    'the client is deleted': (operator, { client }) => operator.delete(`/clients/${client.id}`, '"1"'),
    'a secret is retired': async (operator, { client }) => {
      const [{ secret_id }] = (await operator.get(`/clients/${client.id}`)).body.secrets as [
        { secret_id: string },
      ]
      return operator.post(`/clients/${client.id}/secrets/${secret_id}/retire`, {})
    },
    'the client revokes the token': async ({ server }, { client, tokens }) => {
      const body = { ...credentials(client), token: tokens.access_token }
      const { status, headers } = await server.postJson(body, {}, '/oauth2-token/revoke')
      return { status, headers, body: {} }
    },
  }

  it.each(Object.keys(ENDINGS))(
    'a token is refused at once, also by an isolate with an old copy: %s',
    async (name) => {
      const server = new TestServer()
      const operator = await TestOperator.confirmed(server)
      const account = await (await TestServiceAccount.withScopes(server, ['users:read', 'audit:read'])).at(
        server.anotherIsolate(),
      )
      expect((await account.get('/users')).status).toBe(200)
      const { status } = (await ENDINGS[name]?.(operator, account)) ?? { status: 0 }
      expect([200, 204]).toContain(status)
      const refused = await account.get('/users')
      expect([refused.status, refused.headers.get('WWW-Authenticate')]).toEqual([
        401,
        'Bearer realm="sallyport-admin", error="invalid_token"',
      ])
      expect((await account.post('/users', newUser())).status).toBe(401)
    },
  )

  it('a scope counts only if the client has it in the database', async () => {
    const server = new TestServer()
    const account = await TestServiceAccount.withScopes(server, ['users:read'])
    await env.DB.prepare("UPDATE clients SET scopes = '[]' WHERE client_id = ?").bind(account.client.id).run()
    expect((await account.get('/users')).body.type).toBe('urn:problem-type:sallyport:scope-missing')
  })

  it('a token of a retired secret that an old copy accepted is refused, and a later token of the other secret works', async () => {
    const server = new TestServer()
    const operator = await TestOperator.confirmed(server)
    const account = await TestServiceAccount.withScopes(server, ['users:read'])
    const path = `/clients/${account.client.id}`
    const [{ secret_id }] = (await operator.get(path)).body.secrets as [{ secret_id: string }]
    const secret = String((await operator.post(`${path}/secrets`)).body.client_secret)
    const old = server.anotherIsolate()
    await account.at(old)
    await operator.post(`${path}/secrets/${secret_id}/retire`, {})
    server.clock.time += 1
    const stolen = await account.at(old)
    expect((await stolen.get('/users')).status).toBe(401)
    server.clock.time += CLIENT_MARGIN_SECONDS
    expect((await stolen.get('/users')).status).toBe(401)
    const renewed = new TestServiceAccount(server, { ...account.client, secret }, account.tokens)
    expect((await (await renewed.at(server)).get('/users')).status).toBe(200)
  })
})

describe('a stolen secret of a service account', () => {
  beforeEach(emptyStores)

  const NOT_OPERATORS = operatorOnly('A change of an operator is allowed only for operators.')
  const NOT_CLIENTS = operatorOnly('A change of a client of the admin API is allowed only for operators.')
  const NO_PASSWORD = operatorOnly(
    'This needs a confirmation of the password, and a service account has none.',
  )

  it('a service account with every scope gains no power over operators, their clients and other accounts', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const account = await TestServiceAccount.withScopes(server, ADMIN_SCOPE_NAMES)
    const other = await TestServiceAccount.withScopes(server, ['users:read'])
    const { sid } = (await operator.get('/me')).body
    const [{ secret_id }] = (await operator.get(`/clients/${other.client.id}`)).body.secrets as [
      { secret_id: string },
    ]
    const [user, own, theirs] = [operator.id, account.client.id, other.client.id]
    const draft = { client_id: 'made', api: 'admin', grants: ['client_credentials'] }
    const newOperator = { ...newUser(), pool: 'operators' }
    const before = await rowCounts()
    const attempts: [Promise<AdminAnswer>, object][] = [
      [account.get(`/users/${user}`), operatorOnly('Service accounts cannot read operators.')],
      [account.get(`/users/${user}/support`), operatorOnly('Service accounts cannot read operators.')],
      [account.post(`/users/${user}/unlock`), NOT_OPERATORS],
      [account.get(`/users/${user}/factors`), operatorOnly('Service accounts cannot read operators.')],
      [account.delete(`/users/${user}/factors`), NOT_OPERATORS],
      [account.delete(`/users/${user}/factors/totp`), NOT_OPERATORS],
      [account.post('/users', newOperator), NOT_OPERATORS],
      [account.post('/users', { ...newOperator, roles: ['admin'] }), NO_PASSWORD],
      [account.post('/users/import', { rows: [{ ...newOperator, roles: ['admin'] }] }), NO_PASSWORD],
      [account.post('/users/import', { rows: [newUser()], replace_hashes: true }), NO_PASSWORD],
      [account.patch(`/users/${user}`, { profile: { name: 'Mallory' } }, '"1"'), NOT_OPERATORS],
      [account.patch(`/users/${user}`, { roles: ['support'] }, '"1"'), NOT_OPERATORS],
      [account.post(`/users/${user}/password`, { password: PASSWORD }), NOT_OPERATORS],
      [account.post(`/users/${user}/enable`), NOT_OPERATORS],
      [account.post(`/users/${user}/disable`), NOT_OPERATORS],
      [account.post(`/users/${user}/sign-out`), NOT_OPERATORS],
      [account.delete(`/users/${user}`, '"1"'), NOT_OPERATORS],
      [account.post('/clients', draft), NOT_CLIENTS],
      [account.post('/clients', { ...draft, scopes: ['users:write'] }), NO_PASSWORD],
      [account.post('/clients/import', { rows: [{ ...draft, scopes: ['users:write'] }] }), NO_PASSWORD],
      ...[own, theirs, operator.client.id].flatMap((id): [Promise<AdminAnswer>, object][] => [
        [account.patch(`/clients/${id}`, { name: 'Mallory' }, '"1"'), NOT_CLIENTS],
        [account.post(`/clients/${id}/disable`), NOT_CLIENTS],
        [account.post(`/clients/${id}/sign-out`), NOT_CLIENTS],
        [account.delete(`/clients/${id}`, '"1"'), NOT_CLIENTS],
      ]),
      [account.patch(`/clients/${theirs}`, { scopes: ['keys:write'] }, '"1"'), NO_PASSWORD],
      [account.post(`/clients/${theirs}/secrets`), NO_PASSWORD],
      [account.post(`/clients/${theirs}/enable`), NO_PASSWORD],
      [account.post(`/clients/${operator.client.id}/enable`), NOT_CLIENTS],
      [account.post(`/clients/${theirs}/secrets/${secret_id}/retire`, {}), NOT_CLIENTS],
      [
        account.delete(`/sessions/${sid}`),
        operatorOnly("The end of an operator's session is allowed only for operators."),
      ],
    ]
    for (const [attempt, expected] of attempts) {
      const { status, body } = await attempt
      expect([status, body]).toEqual([403, expected])
    }
    expect(await rowCounts()).toEqual(before)
    expect((await operator.get('/me')).status).toBe(200)
  })

  it('an import by a service account refuses rows of operators and of the admin API, and lists of users omit operators', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const account = await TestServiceAccount.withScopes(server, ADMIN_SCOPE_NAMES)
    const rows = [{ ...newUser(), pool: 'operators' }, newUser()]
    const users = await account.post('/users/import', { rows })
    expect(users.body.results).toMatchObject([
      { status: 'refused', reason: 'pool: A change of an operator is allowed only for operators.' },
      { status: 'created' },
    ])
    const client = { client_id: 'made', api: 'admin', grants: ['client_credentials'] }
    const clients = await account.post('/clients/import', {
      rows: [client, { ...client, client_id: 'shop', api: 'storefront' }],
    })
    expect(clients.body.results).toMatchObject([
      {
        status: 'refused',
        reason: 'api: A change of a client of the admin API is allowed only for operators.',
      },
      { status: 'created' },
    ])
    const pools = (answer: AdminAnswer) => (answer.body.items as { pool: string }[]).map(({ pool }) => pool)
    expect(pools(await account.get('/users'))).toEqual(['customers'])
    expect(pools(await account.get('/users?pool=operators'))).toEqual([])
    expect(pools(await account.get(`/users?id=${operator.id}`))).toEqual([])
    expect(pools(await operator.get('/users?pool=operators'))).toEqual(['operators'])
  })
})
