import { describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { TestOperator } from '../support/operator.ts'
import { PASSWORD, TestServer } from '../support/server.ts'
import { readUserDatabases } from '../support/user_databases.ts'

const BCRYPT_OF_PASSWORD_123 = '$2y$04$abcdefghijklmnopqrstuu5s2v8.iXieOjg6.yKqFzF8Bi1oB7y2K'

async function countUsers(prefix: string): Promise<number> {
  return (await readUserDatabases('SELECT id FROM users WHERE username LIKE ?', `${prefix}%`)).length
}

describeCustomers('an import of users', () => {
  it('the import reports each row, adds the valid ones, and adds no user twice when it is repeated', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const mark = crypto.randomUUID().slice(0, 8)
    const present = await server.addUser({ username: `${mark}-present` })
    const rows = [
      {
        pool: 'customers',
        username: `${mark}-A`,
        password: PASSWORD,
        roles: ['vip'],
        profile: { name: 'A' },
      },
      {
        pool: 'customers',
        username: `${mark}-b`,
        password_hash: BCRYPT_OF_PASSWORD_123,
        must_change_password: true,
      },
      { pool: 'customers', username: `${mark}-a`, password: PASSWORD },
      { pool: 'customers', username: present.username, password: PASSWORD },
      { pool: 'partners', username: `${mark}-c`, password: PASSWORD },
      { pool: 'customers', username: `${mark}-d` },
      { pool: 'customers', username: `${mark}-e`, password: PASSWORD, colour: 'red' },
      { pool: 'customers', username: `${mark}-f`, password_hash: 'md5:abc' },
      { pool: 'customers', username: `${mark}-g`, password: '' },
    ]
    const reasons = [
      null,
      null,
      'an earlier row of the batch has the same name',
      'the username is taken in this pool',
      'pool: must be one of customers, staff, operators',
      'password: is required, or password_hash, or no_password: exactly one of them',
      'colour: is not known',
      expect.stringMatching(/^password_hash: the password hash is refused: /),
      'password: the password is too short: it must have at least 8 characters',
    ]
    const statuses = ['created', 'created', 'refused', 'exists', ...Array(5).fill('refused')]
    const expected = (withIds: boolean) =>
      statuses.map((status, index) => ({
        index,
        status,
        reason: reasons[index],
        id: withIds && status === 'created' ? expect.stringMatching(/^user:/) : null,
      }))
    const dry = await operator.post('/users/import', { rows, dry_run: true })
    expect([dry.status, dry.body]).toEqual([200, { dry_run: true, results: expected(false) }])
    expect(await countUsers(mark)).toBe(1)
    const real = await operator.post('/users/import', { rows })
    expect([real.status, real.body]).toEqual([200, { dry_run: false, results: expected(true) }])
    expect(await countUsers(mark)).toBe(3)
    const again = await operator.post('/users/import', { rows })
    const repeated = (again.body.results as { status: string }[]).map(({ status }) => status)
    expect(repeated.slice(0, 4)).toEqual(['exists', 'exists', 'refused', 'exists'])
    expect(await countUsers(mark)).toBe(3)
    await server.signIn(client, `${mark}-a`)
    const [{ id }] = real.body.results as [{ id: string }]
    expect((await operator.get(`/users/${id}`)).body).toMatchObject({
      roles: ['vip'],
      profile: { name: 'A' },
    })
    expect(await auditOf({ subject: id, kind: 'admin' })).toEqual([
      expect.objectContaining({ reason: 'the user was imported', actor: operator.id }),
    ])
    expect(await auditOf({ actor: operator.id })).toHaveLength(2)
  })

  it('an import has a maximum of rows, plain passwords and bytes', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const row = (i: number) => ({ pool: 'customers', username: `u${i}`, password: PASSWORD })
    const rows = (count: number) => Array.from({ length: count }, (_, i) => row(i))
    expect((await operator.post('/users/import', { rows: rows(21) })).body).toMatchObject({
      status: 422,
      errors: [{ path: 'rows', message: 'must have at most 20 plain passwords and fast hashes together' }],
    })
    expect((await operator.post('/users/import', { rows: rows(101) })).body).toMatchObject({
      errors: [{ path: 'rows', message: 'must have at most 100 rows' }],
    })
    expect((await operator.post('/users/import', { rows: [] })).status).toBe(422)
    const large = [{ ...row(1), profile: { name: 'x'.repeat(600_000) } }]
    expect((await operator.post('/users/import', { rows: large })).status).toBe(413)
  })

  it('two parallel imports of the same users add each once', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const mark = crypto.randomUUID().slice(0, 8)
    const rows = [1, 2, 3].map((i) => ({
      pool: 'customers',
      username: `${mark}-${i}`,
      password_hash: BCRYPT_OF_PASSWORD_123,
    }))
    const responses = await Promise.all([1, 2].map(() => operator.post('/users/import', { rows })))
    const statuses = responses.flatMap(({ body }) =>
      (body.results as { status: string }[]).map(({ status }) => status),
    )
    expect(statuses.sort()).toEqual([...Array(3).fill('created'), ...Array(3).fill('exists')])
    expect(await countUsers(mark)).toBe(3)
    expect(await auditOf({ actor: operator.id })).toHaveLength(3)
  })
})

describe('an import of clients', () => {
  it('the import reports each row, shows a generated secret once, keeps a strong one, and adds no client twice', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const mark = crypto.randomUUID().slice(0, 8)
    const strong = crypto.randomUUID() + crypto.randomUUID()
    const client = { api: 'storefront', grants: ['client_credentials'] }
    const rows = [
      { ...client, client_id: `${mark}-a`, name: 'A' },
      { ...client, client_id: `${mark}-b`, client_secret: strong },
      { ...client, client_id: `${mark}-c`, grants: ['password'], confidential: false },
      { ...client, client_id: `${mark}-d`, client_secret: 'weak' },
      { ...client, client_id: `${mark}-a` },
      { ...client, client_id: `${mark}-e`, scopes: ['users'] },
    ]
    const results = (secret: unknown) => [
      { index: 0, status: 'created', reason: null, client_secret: secret },
      { index: 1, status: 'created', reason: null, client_secret: null },
      { index: 2, status: 'created', reason: null, client_secret: null },
      {
        index: 3,
        status: 'refused',
        client_secret: null,
        reason: 'client_secret: must have at least 32 characters: weaker ones can be guessed',
      },
      {
        index: 4,
        status: 'refused',
        client_secret: null,
        reason: 'an earlier row of the batch has the same name',
      },
      {
        index: 5,
        status: 'refused',
        client_secret: null,
        reason: 'scopes.0: must be a scope of the API storefront',
      },
    ]
    const dry = await operator.post('/clients/import', { rows, dry_run: true })
    expect([dry.status, dry.body]).toEqual([200, { dry_run: true, results: results(null) }])
    expect((await operator.get(`/clients?q=${mark}`)).body.items).toEqual([])
    const real = await operator.post('/clients/import', { rows })
    expect(real.body).toEqual({ dry_run: false, results: results(expect.stringMatching(/^sps_/)) })
    const [{ client_secret }] = real.body.results as [{ client_secret: string }]
    for (const [client_id, secret] of [
      [`${mark}-a`, client_secret],
      [`${mark}-b`, strong],
    ]) {
      const response = await server.postJson({
        grant_type: 'client_credentials',
        client_id,
        client_secret: secret,
      })
      expect(response.status).toBe(200)
    }
    const again = await operator.post('/clients/import', { rows })
    expect((again.body.results as { status: string }[]).slice(0, 3)).toEqual(
      [0, 1, 2].map((index) => ({
        index,
        status: 'exists',
        reason: 'the client id is taken',
        client_secret: null,
      })),
    )
    expect(await auditOf({ client_id: `${mark}-a`, kind: 'admin' })).toEqual([
      expect.objectContaining({ reason: 'the client was imported', actor: operator.id }),
    ])
  })
})
