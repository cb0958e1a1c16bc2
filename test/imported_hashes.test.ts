import { env } from 'cloudflare:workers'
import { convertHash } from '@sallyport/formats/schemes/conversion/convert_hash'
import { recogniseHash } from '@sallyport/formats/schemes/conversion/self_describing'
import { beforeAll, describe, expect, it } from 'vitest'
import { HASH_VECTORS, VECTOR_KEYS } from './support/hash_vectors.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, DEFAULT_COST, TestServer } from './support/server.ts'

const TODAY = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/
const MAX_FAST = 20

const withKeys = { config: DEFAULT_COST, env: { HASH_KEYS: JSON.stringify(VECTOR_KEYS) } }

/** One vector of each scheme, with its stored form. The password has no spaces around it, which a sign-in would keep. */
const vectors = [
  ...new Map(
    HASH_VECTORS.filter(({ password }) => password.trim() === password).map(
      (vector) => [vector.scheme ?? recogniseHash(vector.columns.hash), vector] as const,
    ),
  ),
].map(([name, { scheme, columns, password }]) => {
  const conversion = convertHash(scheme, columns)
  return { name, password, stored: conversion.isAccepted ? conversion.stored : '' }
})

function hashOf(username: string): Promise<string | null> {
  return env.DB.prepare('SELECT password_hash FROM users WHERE username = ?')
    .bind(username)
    .first<string>('password_hash')
}

/** Rows of an import, each with its own username. */
function rowsOf(hashes: readonly string[]) {
  return hashes.map((password_hash) => ({
    pool: 'customers',
    username: `${crypto.randomUUID()}@example.com`,
    password_hash,
  }))
}

describe('a user with the hash of another system', () => {
  const server = new TestServer(withKeys)
  let operator: TestOperator
  let client: Awaited<ReturnType<TestServer['addClient']>>

  beforeAll(async () => {
    operator = await TestOperator.signIn(server)
    client = await server.addClient()
  })

  it.each(vectors)(
    'a user with the hash of another system signs in only with the old password, and gets a new hash: $name',
    async ({ password, stored }) => {
      const rows = rowsOf([stored])
      const username = rows[0]?.username ?? ''
      const { body } = await operator.post('/users/import', { rows })
      expect(body.results).toEqual([
        { index: 0, status: 'created', reason: null, id: expect.stringMatching(/^user:/) },
      ])
      const attempt = { grant_type: 'password', ...credentials(client), username }
      const wrong = await server.postJson({ ...attempt, password: `${password}x` })
      const unknown = await server.postJson({ ...attempt, password, username: 'nobody@example.com' })
      expect([wrong.status, await wrong.text()]).toEqual([400, await unknown.text()])
      await server.signIn(client, username, password)
      expect(await hashOf(username)).toMatch(TODAY)
      await server.signIn(client, username, password)
    },
  )
})

describe('a sign-in with spaces around a password that the other system trims', () => {
  it('a sign-in with spaces around a password that the other system trims keeps the hash, so that the password without spaces still signs in', async () => {
    const server = new TestServer({ config: DEFAULT_COST })
    const client = await server.addClient()
    const operator = await TestOperator.signIn(server)
    const { password = '', stored = '' } =
      vectors.find(({ name, password }) => name === 'wordpress' && password.trim() === password) ?? {}
    const rows = rowsOf([stored])
    const username = rows[0]?.username ?? ''
    await operator.post('/users/import', { rows })
    const imported = await hashOf(username)
    await server.signIn(client, username, `${password} `)
    expect(await hashOf(username)).toBe(imported)
    await server.signIn(client, username, password)
    expect(await hashOf(username)).toMatch(TODAY)
  })
})

describe('an import', () => {
  const fast = '$digest$sha1-ps$c2FsdA$0a9dc42af5a7f789da3e23bba0ede1d00e5e435e'

  it('stores no fast hash: the row has Argon2id of the digest', async () => {
    const operator = await TestOperator.signIn(new TestServer({ config: DEFAULT_COST }))
    const rows = rowsOf([fast])
    await operator.post('/users/import', { rows })
    const stored = await hashOf(rows[0]?.username ?? '')
    expect(stored).toMatch(/^\$digest\$sha1-ps\$c2FsdA\$\*40\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(stored).not.toContain('0a9dc42af5a7f789da3e23bba0ede1d00e5e435e')
  })

  it('of more fast hashes than a request may compute is refused as a whole', async () => {
    const operator = await TestOperator.signIn(new TestServer({ config: DEFAULT_COST }))
    const rows = rowsOf(Array(MAX_FAST + 1).fill(fast))
    const { status, body } = await operator.post('/users/import', { rows })
    expect([status, body.errors]).toEqual([
      422,
      [{ path: 'rows', message: 'must have at most 20 plain passwords and fast hashes together' }],
    ])
    expect((await operator.post('/users/import', { rows: rows.slice(1), dry_run: true })).status).toBe(200)
  })

  it('an import refuses a row whose hash needs a key that the Worker does not have, in the dry run too', async () => {
    const operator = await TestOperator.signIn(new TestServer({ config: DEFAULT_COST }))
    const rows = rowsOf([`$devise$2a$10$${'C'.repeat(53)}`])
    const reason =
      'password_hash: the password hash is refused: devise: the Worker secret HASH_KEYS has no key "devise": set it first'
    for (const dry_run of [true, false]) {
      const { body } = await operator.post('/users/import', { rows, dry_run })
      expect(body.results).toEqual([{ index: 0, status: 'refused', reason, id: null }])
    }
  })
})

describe('a sign-in whose stored hash needs a key that was removed', () => {
  it('a sign-in whose stored hash needs a key that was removed is a server error and not a wrong password', async () => {
    const operator = await TestOperator.signIn(new TestServer(withKeys))
    const { password = '', stored = '' } = vectors.find(({ name }) => name === 'devise') ?? {}
    const rows = rowsOf([stored])
    await operator.post('/users/import', { rows })
    const server = new TestServer({ config: DEFAULT_COST })
    const client = await server.addClient()
    await expect(server.signIn(client, rows[0]?.username ?? '', password)).rejects.toThrow(
      '500 {"error":"server_error"',
    )
  })
})

describe('the Worker secret HASH_KEYS', () => {
  it.each(['pepper', '{"pepper":"x"}', '{"devise":""}'])(
    'a malformed Worker secret HASH_KEYS stops the Worker: %s',
    (HASH_KEYS) => {
      expect(() => new TestServer({ env: { HASH_KEYS } })).toThrow(
        'the secret HASH_KEYS is not a JSON object of known keys',
      )
    },
  )
})
