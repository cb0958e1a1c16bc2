import { describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { TestOperator } from './support/operator.ts'
import { PASSWORD, TestServer } from './support/server.ts'

const COMMON = 'Password123'
const MESSAGE = 'the password is one of the 10,000 most common passwords: choose another one'

const newUser = (password: string) => ({
  pool: 'customers',
  username: `${crypto.randomUUID()}@x.test`,
  password,
})

describe('a common password', () => {
  it('is refused offline by every operation that sets a password', async () => {
    const server = new TestServer()
    const operator = await TestOperator.confirmed(server)
    const user = await server.addUser()
    for (const [path, body] of [
      ['/users', newUser(COMMON)],
      [`/users/${user.id}/password`, { password: COMMON }],
      ['/me/password', { current_password: PASSWORD, password: COMMON }],
    ] as const) {
      const { status, body: problem } = await operator.post(path, body)
      expect([status, problem]).toEqual([
        422,
        {
          type: 'urn:problem-type:sallyport:invalid-content',
          title: 'The content is not valid',
          status: 422,
          errors: [{ path: 'password', message: MESSAGE }],
        },
      ])
    }
    for (const isDryRun of [true, false]) {
      const rows = [newUser(COMMON)]
      const { status, body } = await operator.post('/users/import', { rows, dry_run: isDryRun })
      const result = { index: 0, status: 'refused', reason: `password: ${MESSAGE}`, id: null }
      expect([status, body]).toEqual([200, { dry_run: isDryRun, results: [result] }])
    }
    expect(await auditOf({ kind: 'admin', subject: user.id })).toEqual([])
  })

  it('signs an imported user in, because a sign-in does not check it', async () => {
    const server = new TestServer()
    const operator = await TestOperator.confirmed(server)
    const client = await server.addClient({ grants: ['password'] })
    const { password, ...draft } = newUser(COMMON)
    // PBKDF2-HMAC-SHA256 of the password, as Django stores it.
    const salt = 'salt'
    const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, [
      'deriveBits',
    ])
    const derivation = {
      name: 'PBKDF2',
      hash: 'SHA-256',
      salt: new TextEncoder().encode(salt),
      iterations: 1000,
    }
    const bits = await crypto.subtle.deriveBits(derivation, key, 256)
    const hash = `pbkdf2_sha256$1000$${salt}$${btoa(String.fromCharCode(...new Uint8Array(bits)))}`
    const { body } = await operator.post('/users/import', { rows: [{ ...draft, password_hash: hash }] })
    expect(body.results).toMatchObject([{ status: 'created' }])
    expect(await server.signIn(client, draft.username, password)).toMatchObject({ token_type: 'Bearer' })
  })
})
