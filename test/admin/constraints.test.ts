import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { compact } from '../../src/lib/compact.ts'
import { ConstraintFailed, callStore, StorageUnavailable } from '../../src/lib/storage_error.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { type AdminAnswer, TestOperator } from '../support/operator.ts'
import { PASSWORD, TestServer } from '../support/server.ts'

const PROBLEM = 'urn:problem-type:sallyport:'
const BCRYPT = `$2y$04$abcdefghijklmnopqrstuu${'a'.repeat(31)}`
const OTHER = `$2y$04$abcdefghijklmnopqrstuu${'b'.repeat(31)}`
const TAKEN_SECRET =
  'client_secret: another client has or had this secret: each client needs a different secret'

let server: TestServer
let operator: TestOperator

beforeAll(async () => {
  server = new TestServer()
  operator = await TestOperator.confirmed(server)
})

function makeSecret(): string {
  return crypto.randomUUID() + crypto.randomUUID()
}

function makeMark(): string {
  return crypto.randomUUID().slice(0, 8)
}

/** The status and the reason of each row, or the whole response if it is not a report. */
function verdictsOf({ status, body }: AdminAnswer) {
  expect(status, JSON.stringify(body)).toBe(200)
  return (body.results as { status: string; reason: string | null }[]).map((result) => [
    result.status,
    result.reason,
  ])
}

describe('the storage layer', () => {
  const CLIENT = `INSERT INTO clients (client_id, name, api, grants, scopes, confidential, created_at)
    VALUES (?, 'x', 'storefront', '[]', '[]', 1, 1)`

  it.each([
    [
      'a UNIQUE constraint',
      `INSERT INTO users (id, pool, username, password_hash, created_at)
         VALUES ('user:a', 'p', 'same', '', 1), ('user:b', 'p', 'same', '', 1)`,
      { constraint: 'unique', columns: ['users.pool', 'users.username'] },
    ],
    [
      'a primary key',
      `${CLIENT}, ('same', 'x', 'y', '[]', '[]', 1, 1)`,
      { constraint: 'unique', columns: ['clients.client_id'] },
    ],
    ['a CHECK constraint', CLIENT.replace('?', "'no:colon'"), { constraint: 'check', columns: [] }],
    [
      'a NOT NULL constraint',
      CLIENT.replace("'x'", 'NULL'),
      { constraint: 'not null', columns: ['clients.name'] },
    ],
    [
      'a FOREIGN KEY constraint',
      "INSERT INTO client_secrets (secret_hash, client_id, created_at) VALUES ('h', 'nobody', 1)",
      { constraint: 'foreign key', columns: [] },
    ],
    [
      'the type of a STRICT column',
      CLIENT.replace(', 1)', ", 'text')"),
      { constraint: 'other', columns: [] },
    ],
  ])(
    'the storage layer reports the failure of %s as ConstraintFailed and not as an outage',
    async (_what, sql, expected) => {
      const run = () => env.DB.prepare(sql.replaceAll('?', "'same'")).run()
      const failed = await callStore('D1 test', run).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(ConstraintFailed)
      expect(failed).not.toBeInstanceOf(StorageUnavailable)
      expect(failed).toMatchObject({ ...expected, message: expect.stringMatching(/^D1 test: /) })
    },
  )

  it('the storage layer reports every other error of a call as StorageUnavailable', async () => {
    const failed = callStore('D1 test', () => env.DB.prepare("SELECT json('no JSON')").run())
    await expect(failed).rejects.toThrow(StorageUnavailable)
  })
})

describe('a request whose statement fails a constraint', () => {
  afterEach(async () => {
    await env.DB.batch(
      ['poison_users', 'poison_clients', 'poison_sessions', 'poison_audit_events'].map((name) =>
        env.DB.prepare(`DROP TRIGGER IF EXISTS ${name}`),
      ),
    )
  })

  /** The database refuses each row of a table whose value begins with `poison`. */
  async function poison(table: string, column: string): Promise<void> {
    await env.DB.prepare(
      `CREATE TRIGGER poison_${table} BEFORE INSERT ON ${table} WHEN NEW.${column} LIKE 'poison%'
       BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: poison'); END`,
    ).run()
  }

  const REFUSED = {
    type: `${PROBLEM}invalid-content`,
    title: 'The content is not valid',
    status: 422,
    errors: [{ path: '', message: 'the database does not accept a value' }],
  }

  it.each([
    ['POST /users', '/users', { pool: 'customers', username: 'poison', password: PASSWORD }],
    ['POST /clients', '/clients', { client_id: 'poison', api: 'storefront', grants: ['password'] }],
  ])('the request gets 422 without Retry-After: %s', async (_what, path, body) => {
    await poison('users', 'username')
    await poison('clients', 'client_id')
    const response = await operator.post(path, body)
    expect([response.status, response.body]).toEqual([422, REFUSED])
    expect(response.headers.get('Retry-After')).toBeNull()
  })

  it('the request gets 409 if another request took the username in the meantime', async () => {
    const username = makeMark()
    const user = await server.addUser({ username: `${username}-old` })
    const db = aroundD1(async (sql, call) => {
      if (sql.includes('UPDATE users SET username')) await server.addUser({ username })
      return call()
    })
    const racing = await TestOperator.signIn(new TestServer({ env: { DB: db } }))
    const before = await racing.get(`/users/${user.id}`)
    const response = await racing.call('PATCH', `/users/${user.id}`, {
      body: { username },
      headers: { 'If-Match': before.headers.get('ETag') ?? '' },
    })
    expect([response.status, response.body]).toEqual([
      409,
      {
        type: `${PROBLEM}duplicate`,
        title: 'The name is taken',
        status: 409,
        errors: [{ path: 'username', message: 'is taken in this pool' }],
      },
    ])
    expect(response.headers.get('Retry-After')).toBeNull()
  })

  it('the token endpoint responds with 500 without Retry-After, because a retry fails too', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    const { refresh_token } = await server.signIn(client, user.username)
    await env.DB.prepare(
      `CREATE TRIGGER poison_sessions BEFORE INSERT ON sessions
       BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: poison'); END`,
    ).run()
    const response = await server.postJson({
      grant_type: 'refresh_token',
      refresh_token,
      client_id: client.id,
      client_secret: client.secret,
    })
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: 'server_error', error_description: expect.any(String) },
    ])
    expect(response.headers.get('Retry-After')).toBeNull()
  })

  const NEW_USER = { pool: 'customers', username: 'someone', password: PASSWORD }

  it.each([
    ['POST /users', '/users', NEW_USER, 'NOT NULL constraint failed: audit_events.reason'],
    [
      'an import',
      '/users/import',
      { rows: [{ pool: 'customers', username: 'other', password_hash: BCRYPT }] },
      'NOT NULL constraint failed: audit_events.reason',
    ],
    ['an index on an expression', '/users', NEW_USER, "UNIQUE constraint failed: index ''users_by_name''"],
    ['a name without a table', '/users', NEW_USER, 'NOT NULL constraint failed: users2'],
  ])(
    'a constraint of a table that no request fills, or of no table, gives 500, and no user is added: %s',
    async (_what, path, body, message) => {
      await env.DB.prepare(
        `CREATE TRIGGER poison_audit_events BEFORE INSERT ON audit_events
       BEGIN SELECT RAISE(ABORT, '${message}'); END`,
      ).run()
      const response = await operator.post(path, body)
      expect([response.status, response.body]).toEqual([
        500,
        { type: `${PROBLEM}server-error`, title: 'The server met an unexpected condition', status: 500 },
      ])
      expect(response.headers.get('Retry-After')).toBeNull()
      const names = "SELECT count(*) AS count FROM users WHERE username IN ('someone', 'other')"
      expect(await env.DB.prepare(names).first()).toEqual({ count: 0 })
    },
  )

  it('an import refuses only that row and adds the other users', async () => {
    await poison('users', 'username')
    const mark = makeMark()
    const names = [`${mark}-a`, `poison-${mark}`, `${mark}-b`]
    const rows = names.map((username) => ({ pool: 'customers', username, password_hash: BCRYPT }))
    const report = await operator.post('/users/import', { rows })
    expect(verdictsOf(report)).toEqual([
      ['created', null],
      ['refused', 'the database does not accept a value'],
      ['created', null],
    ])
    const again = await operator.post('/users/import', { rows })
    expect(verdictsOf(again).map(([status]) => status)).toEqual(['exists', 'refused', 'exists'])
  })

  it('an import refuses only that row and adds the other clients', async () => {
    await poison('clients', 'client_id')
    const mark = makeMark()
    const rows = [`${mark}-a`, `poison-${mark}`, `${mark}-b`].map((client_id) => ({
      client_id,
      api: 'storefront',
      grants: ['client_credentials'],
    }))
    const verdicts = verdictsOf(await operator.post('/clients/import', { rows }))
    expect(verdicts.map(([status]) => status)).toEqual(['created', 'refused', 'created'])
  })
})

describe('an import of clients that share a secret', () => {
  const client = { api: 'storefront', grants: ['client_credentials'] }

  it('the import adds the first, refuses the second and adds the third, as the dry run does', async () => {
    const mark = makeMark()
    const shared = makeSecret()
    const rows = [
      { ...client, client_id: `${mark}-a`, client_secret: shared },
      { ...client, client_id: `${mark}-b`, client_secret: shared },
      { ...client, client_id: `${mark}-c`, client_secret: makeSecret() },
    ]
    const expected = [
      ['created', null],
      ['refused', TAKEN_SECRET],
      ['created', null],
    ]
    expect(verdictsOf(await operator.post('/clients/import', { rows, dry_run: true }))).toEqual(expected)
    expect(verdictsOf(await operator.post('/clients/import', { rows }))).toEqual(expected)
    const later = { rows: [{ ...client, client_id: `${mark}-d`, client_secret: shared }] }
    for (const body of [{ ...later, dry_run: true }, later]) {
      expect(verdictsOf(await operator.post('/clients/import', body))).toEqual([['refused', TAKEN_SECRET]])
    }
  })

  it('the import refuses a secret that another request added after the dry run', async () => {
    const mark = makeMark()
    const shared = makeSecret()
    const db = aroundD1(async (sql, call) => {
      if (sql.includes('INSERT INTO clients') && sql.includes('client_secrets')) {
        const row = { ...client, client_id: `${mark}-first`, client_secret: shared }
        await operator.post('/clients/import', { rows: [row] })
      }
      return call()
    })
    const racing = await TestOperator.signIn(new TestServer({ env: { DB: db } }))
    const rows = [{ ...client, client_id: `${mark}-late`, client_secret: shared }]
    expect(verdictsOf(await racing.post('/clients/import', { rows }))).toEqual([['refused', TAKEN_SECRET]])
    expect((await operator.get(`/clients/${mark}-late`)).status).toBe(404)
  })
})

describe('a dry run', () => {
  const NAMES = [
    'ann',
    'ANN',
    ' ann ',
    'ａｎｎ',
    'ann\u200B',
    'bob',
    'ｂob',
    'guest',
    '',
    'x\0',
    '\uD800',
    'ß',
    'SS',
    'ς',
  ]
  const HASHES = [
    BCRYPT,
    BCRYPT.replace('$04$', '$15$'),
    'plain',
    '',
    `$symfony-sha512$i=1$$${'A'.repeat(86)}`,
  ]
  const userRow = fc.record(
    {
      pool: fc.constantFrom('customers', 'staff', 'operators', 'nowhere'),
      username: fc.constantFrom(...NAMES),
      password_hash: fc.constantFrom(...HASHES),
      roles: fc.constantFrom(['vip'], ['admin'], [''], ['a\nb'], Array(51).fill('many')),
      profile: fc.constantFrom(
        { name: 'N' },
        { name: '\0' },
        { email: 'e@x' },
        { email: 'E@X' },
        { name: '' },
        { colour: 'red' },
      ),
      enabled: fc.constantFrom(true, 'true'),
      must_change_password: fc.boolean(),
      email_verified: fc.boolean(),
    },
    { requiredKeys: ['pool', 'username', 'password_hash'] },
  )
  const secret = fc.constantFrom('one', 'two', 'short', 'space')
  const clientRow = fc.record(
    {
      client_id: fc.constantFrom('a', 'A', 'b', 'c', 'no:colon', '', 'x'.repeat(65)),
      api: fc.constantFrom('storefront', 'backoffice', 'nowhere'),
      grants: fc.constantFrom(['client_credentials'], ['password'], [], ['password', 'password']),
      scopes: fc.constantFrom(['cart'], ['users'], ['']),
      confidential: fc.boolean(),
      client_secret: secret,
      access_token_lifetime: fc.constantFrom(59, 60, 86_401),
    },
    { requiredKeys: ['client_id', 'api', 'grants'] },
  )

  /** An imported user, a user created here, and a user without a password. */
  async function makeExisting(mark: string): Promise<string[]> {
    const [imported, absent] = [`${mark}-imported`, `${mark}-absent`]
    const rows = [
      { pool: 'customers', username: imported, password_hash: BCRYPT },
      { pool: 'customers', username: absent, no_password: true },
    ]
    await operator.post('/users/import', { rows })
    const { username } = await server.addUser({ username: `${mark}-created` })
    return [imported, absent, username]
  }

  /** Imports twice, with a dry run before each. */
  async function compare(path: string, rows: readonly object[], options: object = {}): Promise<void> {
    for (const _time of ['first', 'again']) {
      const trial = verdictsOf(await operator.post(path, { rows, ...options, dry_run: true }))
      expect(verdictsOf(await operator.post(path, { rows, ...options }))).toEqual(trial)
    }
  }

  it('the dry run reports for each user the result of the import', async () => {
    const property = fc.asyncProperty(fc.array(userRow, { minLength: 1, maxLength: 8 }), async (drafts) => {
      const mark = makeMark()
      const rows = drafts.map((row) => ({
        ...row,
        username: row.username === '' ? '' : row.username.replace(/\S+/, (name) => mark + name),
      }))
      await compare('/users/import', rows, { emails_verified: true })
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('the dry run reports the result for each user if hashes are replaced or passwords are absent', async () => {
    const mark = makeMark()
    const users = await makeExisting(mark)
    const source = fc.constantFrom(
      { password_hash: BCRYPT },
      { password_hash: OTHER },
      { password_hash: `$symfony-sha512$i=1$$${'A'.repeat(86)}` },
      { no_password: true },
      { no_password: false },
      {},
      { no_password: true, password_hash: BCRYPT },
    )
    const row = fc.tuple(fc.constantFrom(...users, 'new'), source, fc.nat({ max: 1e9 }))
    const property = fc.asyncProperty(
      fc.uniqueArray(row, { minLength: 1, maxLength: 6, selector: ([name]) => name }),
      fc.boolean(),
      async (drafts, replacesHashes) => {
        const rows = drafts.map(([name, rest, i]) => ({
          pool: 'customers',
          username: name === 'new' ? `${mark}-${i}` : name,
          ...rest,
        }))
        await compare('/users/import', rows, { replace_hashes: replacesHashes })
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  it('the dry run reports for each client the result of the import', async () => {
    const property = fc.asyncProperty(fc.array(clientRow, { minLength: 1, maxLength: 8 }), async (drafts) => {
      const mark = makeMark()
      const secrets = { one: makeSecret(), two: makeSecret(), short: 'short', space: `${makeSecret()} x` }
      const rows = drafts.map(({ client_secret, ...row }) =>
        compact({
          ...row,
          client_id: row.client_id === '' ? '' : `${mark}-${row.client_id}`,
          client_secret: client_secret === undefined ? undefined : secrets[client_secret],
        }),
      )
      await compare('/clients/import', rows)
    })
    await fc.assert(property, { numRuns: 60 })
  })
})
