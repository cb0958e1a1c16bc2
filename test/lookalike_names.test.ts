import { describe, expect, it } from 'vitest'
import { ConsoleBrowser } from './support/console.ts'
import { describeCustomers } from './support/customer_places.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, PASSWORD, TestServer } from './support/server.ts'
import { databaseOf } from './support/user_databases.ts'

/** Nine invisible characters, and two other spellings that look the same. */
const INVISIBLE = [
  '\u200b',
  '\u200e',
  '\u200f',
  '\u202a',
  '\u2060',
  '\u00ad',
  '\ufeff',
  '\u{e0061}',
  '\ufe0f',
]

async function newScene() {
  const server = new TestServer()
  const name = `jane-${crypto.randomUUID()}`
  const user = await server.addUser({ username: `${name}@example.com` })
  const lookalikes = INVISIBLE.map((invisible) => `${name}${invisible}@example.com`)
  return { server, name, user, lookalikes, operator: await TestOperator.signIn(server) }
}

/** A row in the form of an earlier version. */
async function storeUnder(username: string, id: string): Promise<void> {
  await databaseOf(id)
    .prepare('UPDATE users SET username = ?, search = NULL WHERE id = ?')
    .bind(username, id)
    .run()
}

describe('a name that looks like a user’s because of an invisible character', () => {
  it('a name that looks like a user’s because of an invisible character is refused by the admin API for a new user and for another name of a user', async () => {
    const { server, operator, lookalikes } = await newScene()
    const other = await server.addUser()
    for (const [i, username] of lookalikes.entries()) {
      const code = (INVISIBLE[i]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
      const errors = [{ path: 'username', message: `the username has the invisible character U+${code}` }]
      const refusal = { status: 422, body: problem(422, 'invalid', 'The request has problems', { errors }) }
      const draft = { pool: 'customers', username, password: PASSWORD }
      expect(await operator.post('/users', draft)).toMatchObject({ status: 422, body: { errors } })
      expect(await operator.patch(`/users/${other.id}`, { username }, '"1"')).toMatchObject({
        status: refusal.status,
        body: { errors },
      })
    }
  })

  it('a name that looks like a user’s because of an invisible character is refused by an import, in its own row', async () => {
    const { operator, lookalikes } = await newScene()
    const good = `${crypto.randomUUID()}@example.com`
    const rows = [...lookalikes, good].map((username) => ({
      pool: 'customers',
      username,
      password_hash: `$2y$04$${'a'.repeat(53)}`,
    }))
    const { status, body } = await operator.post('/users/import', { rows })
    const results = body.results as { status: string; reason: string | null }[]
    expect([status, results.map((result) => result.status)]).toEqual([
      200,
      [...lookalikes.map(() => 'refused'), 'created'],
    ])
    for (const { reason } of results.slice(0, -1)) expect(reason).toContain('has the invisible character U+')
  })

  it('a name that looks like a user’s because of an invisible character signs no user in, with the response of a wrong password', async () => {
    const { server, lookalikes } = await newScene()
    const client = await server.addClient()
    for (const username of lookalikes) {
      const attempt = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
      const response = await server.postJson(attempt)
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: 'invalid_grant', error_description: 'The user credentials were incorrect.' },
      ])
    }
  })

  it('a name that looks like a user’s because of an invisible character is the same user if only width, case or composition differs: sign-in and search find the user', async () => {
    const { server, operator } = await newScene()
    const client = await server.addClient()
    const mark = crypto.randomUUID().slice(0, 8)
    const user = await server.addUser({ username: `zoë.${mark}@example.com` })
    const variants = [
      `ZOË.${mark}@EXAMPLE.com`,
      `zoe\u0308.${mark}@example.com`,
      `ｚｏë．${mark}＠example.com`,
    ]
    for (const variant of variants) {
      await server.signIn(client, variant)
      const { body } = await operator.get(`/users?q=${encodeURIComponent(variant)}`)
      expect(body.items).toMatchObject([{ id: user.id, username: `zoë.${mark}@example.com` }])
      const draft = { pool: 'customers', username: variant, password: PASSWORD }
      expect((await operator.post('/users', draft)).status).toBe(409)
    }
  })
})

describeCustomers('a user with a stored username that has a refused character', () => {
  it('a user with a stored username that has a refused character is found and reported, and signs in again after an operator sets a free username', async () => {
    const { server, operator, user, name } = await newScene()
    const client = await server.addClient()
    const other = await server.addUser()
    await storeUnder(`${name}\u200b@example.com`, other.id)
    await expect(server.signIn(client, `${name}\u200b@example.com`)).rejects.toThrow('invalid_grant')
    const { body } = await operator.get(`/users?q=${encodeURIComponent(name)}`)
    const warning = 'cannot sign in: the name has the invisible character U+200B'
    expect(body.items).toMatchObject([
      { id: user.id, username_warnings: [] },
      { id: other.id, username_warnings: [warning] },
    ])
    // Users are never merged: the username without the character belongs to another user.
    const taken = await operator.patch(`/users/${other.id}`, { username: `${name}@example.com` }, '"1"')
    expect([taken.status, taken.body.errors]).toEqual([
      409,
      [{ path: 'username', message: 'is taken in this pool' }],
    ])
    const free = `${name}-2@example.com`
    expect((await operator.patch(`/users/${other.id}`, { username: free }, '"1"')).status).toBe(200)
    await server.signIn(client, free)
  })
})

describe('the console', () => {
  it('the list of users and the page of a user warn of a confusable name', async () => {
    const server = new TestServer()
    const admin = await ConsoleBrowser.signIn(server)
    const mark = crypto.randomUUID().slice(0, 8)
    const user = await server.addUser({ username: `${mark}j\u0430ne@example.com` })
    const plain = await server.addUser({ username: `${mark}jane@example.com` })
    const text = 'The name mixes Latin and Cyrillic letters.'
    const list = await admin.get(`/console/users?q=${mark}`)
    expect(list.html.split(text)).toHaveLength(2)
    expect(list.html).toContain('Check the name')
    expect((await admin.get(`/console/users/${user.id}`)).html).toContain(text)
    expect((await admin.get(`/console/users/${plain.id}`)).html).not.toContain('Check the name')
  })
})
