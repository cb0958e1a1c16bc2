import { createHash } from 'node:crypto'
import { hashSync } from 'bcryptjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { TestOperator } from '../support/operator.ts'
import { PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { readUserDatabases } from '../support/user_databases.ts'

const OLD = hashSync('the old password', 4)
const RIGHT = hashSync(PASSWORD, 4)
const TAKEN = 'the username is taken in this pool'
const IN_USE = 'the user signed in or got a new password after the import: the hash was not replaced'

let server: TestServer
let operator: TestOperator
let client: TestClient

async function start(): Promise<void> {
  server = new TestServer()
  operator = await TestOperator.confirmed(server)
  client = await server.addClient()
}

function makeName(): string {
  return `${crypto.randomUUID()}@shop.test`
}

/** The results of a batch, without their index. */
async function importRows(rows: readonly object[], options: object = {}) {
  const response = await operator.post('/users/import', { rows, ...options })
  expect(response.status, JSON.stringify(response.body)).toBe(200)
  return (response.body.results as { index: number }[]).map(({ index: _index, ...result }) => result)
}

/** The results of a dry run. The import has the same results, with ids. */
async function importTwice(rows: readonly object[], options: object) {
  const trial = await importRows(rows, { ...options, dry_run: true })
  const results = await importRows(rows, options)
  expect(results).toEqual(
    trial.map((result) => {
      const { status } = result as unknown as { status: string }
      return status === 'created' || status === 'updated'
        ? { ...result, id: expect.stringMatching(/^user:/) }
        : result
    }),
  )
  return trial
}

const row = (username: string, rest: object) => ({ pool: 'customers', username, ...rest })

describeCustomers('an import that replaces hashes', () => {
  beforeAll(start)

  it('the import replaces only the hash of an imported user who never signed in', async () => {
    const username = makeName()
    const [made] = await importRows([
      row(username, { password_hash: OLD, roles: ['vip'], profile: { name: 'Ann' } }),
    ])
    const { id } = made as unknown as { id: string }
    const rows = [row(username.toUpperCase(), { password_hash: RIGHT, roles: ['none'], enabled: false })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      { status: 'updated', reason: null, id: null },
    ])
    const shown = (await operator.get(`/users/${id}`)).body
    expect(shown).toMatchObject({ roles: ['vip'], profile: { name: 'Ann' }, enabled: true, username })
    await server.signIn(client, username)
    expect(await auditOf({ subject: id, kind: 'admin' })).toEqual([
      expect.objectContaining({ reason: 'the user was imported' }),
      expect.objectContaining({ reason: 'the password hash was replaced by an import', actor: operator.id }),
    ])
  })

  it('the import reports an existing hash, and adds missing users', async () => {
    const [same, missing] = [makeName(), makeName()]
    await importRows([row(same, { password_hash: RIGHT })])
    const rows = [row(same, { password_hash: RIGHT }), row(missing, { password_hash: RIGHT })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      { status: 'exists', reason: TAKEN, id: null },
      { status: 'created', reason: null, id: null },
    ])
  })

  it.each([
    [
      'has signed in',
      async (username: string) => {
        await server.signIn(client, username)
      },
    ],
    [
      'got a password from an operator',
      async (_username: string, id: string) => {
        await operator.post(`/users/${id}/password`, { password: 'set by an operator' })
      },
    ],
  ])('the import keeps the hash of an imported user who %s', async (_what, use) => {
    const username = makeName()
    const [made] = await importRows([row(username, { password_hash: RIGHT })])
    await use(username, (made as unknown as { id: string }).id)
    const rows = [row(username, { password_hash: OLD })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      { status: 'exists', reason: IN_USE, id: null },
    ])
  })

  it('the import keeps a hash that a sign-in has used, also if it has the present form', async () => {
    const username = makeName()
    const made = await server.addUser({ username: makeName() })
    const [stored] = await readUserDatabases('SELECT password_hash FROM users WHERE id = ?', made.id)
    await importRows([row(username, stored ?? {})])
    await server.signIn(client, username)
    const rows = [row(username, { password_hash: OLD })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      { status: 'exists', reason: IN_USE, id: null },
    ])
  })

  it('the import keeps users created here, and every user without the option to replace', async () => {
    const created = await server.addUser({ username: makeName() })
    const imported = makeName()
    await importRows([row(imported, { password_hash: OLD })])
    const rows = [row(created.username, { password_hash: OLD }), row(imported, { password: PASSWORD })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      { status: 'exists', reason: IN_USE, id: null },
      { status: 'exists', reason: TAKEN, id: null },
    ])
    const plain = [row(imported, { password_hash: RIGHT })]
    expect(await importTwice(plain, {})).toEqual([{ status: 'exists', reason: TAKEN, id: null }])
  })

  it('the import refuses a hash that is not accepted, and keeps the old one', async () => {
    const username = makeName()
    await importRows([row(username, { password_hash: RIGHT })])
    const rows = [row(username, { password_hash: RIGHT.replace('$04$', '$15$') })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      {
        status: 'refused',
        id: null,
        reason: expect.stringMatching(/^password_hash: the password hash is refused: .*cost=15/),
      },
    ])
    await server.signIn(client, username)
  })
})

describeCustomers('an import of a user without a password', () => {
  beforeAll(start)

  it('the user cannot sign in until a password is set, and then must change it', async () => {
    const username = makeName()
    const rows = [row(username, { no_password: true })]
    expect(await importTwice(rows, {})).toEqual([{ status: 'created', reason: null, id: null }])
    for (const password of [PASSWORD, '', 'no_password']) {
      await expect(server.signIn(client, username, password)).rejects.toThrow()
    }
    const { items } = (await operator.get(`/users?q=${username}`)).body as {
      items: Record<string, unknown>[]
    }
    expect(items[0]).toMatchObject({ must_change_password: true, enabled: true })
    await operator.post(`/users/${items[0]?.id}/password`, { password: PASSWORD })
    await server.signIn(client, username)
  })

  it('the sign-in gets the response of a wrong password, after a hash of the same cost', async () => {
    const username = makeName()
    await importRows([row(username, { no_password: true })])
    const known = await server.addUser()
    const attempts = [username, known.username].map(async (name) => {
      const parameters = { grant_type: 'password', client_id: client.id, client_secret: client.secret }
      const response = await server.postJson({ ...parameters, username: name, password: 'a wrong password' })
      return [response.status, [...response.headers], await response.text()]
    })
    const [none, wrong] = await Promise.all(attempts)
    expect(none).toEqual(wrong)
    const results = await readUserDatabases<{ password_hash: string }>(
      'SELECT password_hash FROM users WHERE username IN (?, ?)',
      username,
      known.username,
    )
    const costs = results.map(({ password_hash: hash }) => hash.split('$').slice(0, 4))
    expect(costs).toEqual([costs[1], costs[0]])
    expect(costs[0]?.[1]).toBe('argon2id')
  })

  it('a later import can add the hash', async () => {
    const username = makeName()
    await importRows([row(username, { no_password: true })])
    const rows = [row(username, { password_hash: RIGHT })]
    expect(await importTwice(rows, { replace_hashes: true })).toEqual([
      { status: 'updated', reason: null, id: null },
    ])
    await server.signIn(client, username)
  })

  it.each([[{ no_password: true, password: PASSWORD }], [{ no_password: true, password_hash: RIGHT }], [{}]])(
    'an import row needs exactly one source of the password: %#',
    async (rest) => {
      expect(await importTwice([row(makeName(), rest)], {})).toEqual([
        {
          status: 'refused',
          id: null,
          reason: 'password: is required, or password_hash, or no_password: exactly one of them',
        },
      ])
    },
  )
})

describe('a hash that is verified before an import', () => {
  beforeAll(start)

  it.each([
    ['the right password', PASSWORD, true],
    ['another password', 'another password', false],
    ['a text that no user may have as a password', 'x\0', false],
  ])('the code of a sign-in compares the hash: %s', async (_what, password, matches) => {
    for (const password_hash of [RIGHT, makeSymfonyHash(PASSWORD)]) {
      const response = await operator.post('/users/import/verify', { password_hash, password })
      expect([response.status, response.body]).toEqual([200, { matches }])
    }
  })

  it('a hash that a sign-in cannot check is refused with the reason', async () => {
    const response = await operator.post('/users/import/verify', {
      password_hash: 'e10adc39',
      password: PASSWORD,
    })
    expect([response.status, response.body]).toEqual([
      422,
      {
        type: 'urn:problem-type:sallyport:invalid-content',
        title: 'The content is not valid',
        status: 422,
        errors: [
          {
            path: 'password_hash',
            message: expect.stringMatching(
              /does not name its scheme, and no scheme is given; name the scheme of the hash \(docs/,
            ),
          },
        ],
      },
    ])
  })

  it('the check writes no audit event', async () => {
    const before = await auditOf({ actor: operator.id })
    await operator.post('/users/import/verify', { password_hash: RIGHT, password: PASSWORD })
    expect(await auditOf({ actor: operator.id })).toEqual(before)
  })
})

/** One iteration: SHA-512 of the password, without a salt. */
function makeSymfonyHash(password: string): string {
  const hash = createHash('sha512').update(password).digest('base64').replace(/=+$/, '')
  return `$symfony-sha512$i=1$$${hash}`
}
