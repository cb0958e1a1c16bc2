import { createHash, pbkdf2Sync, scryptSync } from 'node:crypto'
import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { formatSymfonyHash } from '@sallyport/formats/schemes/symfony_scheme'
import { hashSync } from 'bcryptjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeBase64, encodeUtf8 } from '../src/lib/bytes.ts'
import { type ImportedUserDraft, importUser } from '../src/users/create_user.ts'
import { PasswordHasher } from '../src/users/password_hash.ts'
import type { User } from '../src/users/user.ts'
import { auditOf } from './support/audit.ts'
import { describeCustomers } from './support/customer_places.ts'
import { FAULTS, FaultyD1 } from './support/faults.ts'
import { credentials, DEFAULT_COST, PASSWORD, TestServer } from './support/server.ts'
import { changePassword } from './support/sign_out.ts'
import { aroundUserDatabases, databaseOf } from './support/user_databases.ts'

const TODAY = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/
const SALT = crypto.getRandomValues(new Uint8Array(16))

/** Hashes of a password by other systems. */
const bcrypt = (password: string) => hashSync(password, 4)

function scrypt(password: string): string {
  const hash = scryptSync(password, SALT, 32, { N: 1024, r: 8, p: 1 })
  return `$scrypt$ln=10,r=8,p=1$${encodeBase64(SALT)}$${encodeBase64(hash)}`
}

function pbkdf2(password: string): string {
  const hash = pbkdf2Sync(password, SALT, 1000, 32, 'sha256')
  return `$pbkdf2-sha256$i=1000,l=32$${encodeBase64(SALT)}$${encodeBase64(hash)}`
}

function symfony(password: string): string {
  const first = createHash('sha512').update(`${password}{salt}`).digest()
  const second = createHash('sha512').update(first).update(`${password}{salt}`).digest()
  return formatSymfonyHash({ hash: second.toString('base64'), salt: 'salt', iterations: 2 })
}

function weakArgon2id(password: string): Promise<string> {
  return new PasswordHasher(argon2Module, { m: 7168, t: 1, p: 1 }).hash(encodeUtf8(password))
}

async function addImported(server: TestServer, changes: Partial<ImportedUserDraft> = {}): Promise<User> {
  const draft = {
    pool: 'customers',
    username: `${crypto.randomUUID()}@example.com`,
    passwordHash: bcrypt(PASSWORD),
    roles: [],
    enabled: true,
    ...changes,
  }
  const user = await importUser(draft, server.services, server.clock.time)
  const id = server.services.userDatabases.newId(user)
  await server.services.userAdmin.add([{ ...user, id, profile: {} }], [])
  return { ...user, id, verifiedEmail: null }
}

async function newScene() {
  const server = new TestServer({ config: DEFAULT_COST })
  return { server, client: await server.addClient() }
}

const hashOf = ({ id }: User) =>
  databaseOf(id)
    .prepare('SELECT password_hash FROM users WHERE id = ?')
    .bind(id)
    .first<string>('password_hash')

const isReplacement = (sql: string) =>
  sql.includes('SET password_hash = ?') && sql.includes('AND password_hash')

describe('a user with a hash of another system', () => {
  it.each([
    ['bcrypt cost=4', bcrypt],
    ['scrypt ln=10,r=8,p=1', scrypt],
    ['pbkdf2-sha256 i=1000 in argon2id m=19456,t=2,p=1', pbkdf2],
    ['symfony-sha512 i=2 in argon2id m=19456,t=2,p=1', symfony],
    ['argon2id m=7168,t=1,p=1', weakArgon2id],
  ])(
    'a user with a hash of another system signs in with the old password, and gets a new hash once: %s',
    async (described, make) => {
      const { server, client } = await newScene()
      const user = await addImported(server, { passwordHash: await make(PASSWORD) })
      const first = await server.signIn(client, user.username)
      const hash = await hashOf(user)
      expect(hash).toMatch(TODAY)
      await server.signIn(client, user.username)
      expect(await hashOf(user)).toBe(hash)
      const event = {
        kind: 'rehash',
        outcome: 'ok',
        reason: `the password hash was renewed; the old one was ${described}`,
        api: 'storefront',
      }
      expect(await auditOf({ subject: user.id, kind: 'rehash' })).toEqual([
        {
          ...event,
          client_id: client.id,
          subject: user.id,
          sid: null,
          address_prefix: null,
          actor: null,
          actor_client: null,
        },
      ])
      // The tokens stay valid.
      expect(await server.services.users.findByUsername(user.pool, user.username, 'primary')).toMatchObject({
        ...user,
        passwordHash: hash,
        isHashReplaceable: false,
      })
      await server.refresh(client, first.refresh_token)
    },
  )

  it('a user with a hash of another system gets no new hash with a wrong password, and the usual response', async () => {
    const { server, client } = await newScene()
    const user = await addImported(server)
    const attempt = { grant_type: 'password', ...credentials(client), password: 'wrong' }
    const response = await server.postJson({ ...attempt, username: user.username })
    const unknown = await server.postJson({ ...attempt, username: 'nobody@example.com' })
    expect([response.status, await response.text()]).toEqual([unknown.status, await unknown.text()])
    expect(await hashOf(user)).toBe(user.passwordHash)
  })

  it('a user with a hash of another system gets no new hash while disabled', async () => {
    const { server, client } = await newScene()
    const user = await addImported(server, { enabled: false })
    await expect(server.signIn(client, user.username)).rejects.toThrow('invalid_grant')
    expect(await hashOf(user)).toBe(user.passwordHash)
  })

  it.each([
    ['decomposed', 'pa\u0302tisserie', 'p\u00e2tisserie'],
    ['with compatibility forms', 'zwölf①', 'zwölf1'],
  ])(
    'a user with a hash of another system signs in with a password that is not in NFKC, %s, then in either form',
    async (_case, typed, nfkc) => {
      const { server, client } = await newScene()
      const user = await addImported(server, { passwordHash: bcrypt(typed) })
      await expect(server.signIn(client, user.username, nfkc)).rejects.toThrow('invalid_grant')
      await server.signIn(client, user.username, typed)
      expect(await hashOf(user)).toMatch(TODAY)
      await server.signIn(client, user.username, nfkc)
      await server.signIn(client, user.username, typed)
    },
  )
})

describe('the replacement of a hash and the bytes that it verifies', () => {
  it.each([
    ['72 bytes, all of which bcrypt reads', 'x'.repeat(72), true],
    ['73 bytes', 'x'.repeat(73), false],
    ['73 bytes of 37 characters', `${'é'.repeat(36)}x`, false],
    ['72 bytes in NFKC, 74 as typed', `${'x'.repeat(70)}\u2460\u2461`, false],
  ])(
    'a sign-in replaces a bcrypt hash only if the hash verifies every byte of the password: %s',
    async (_case, password, isReplaced) => {
      const { server, client } = await newScene()
      const user = await addImported(server, { passwordHash: bcrypt(password) })
      await server.signIn(client, user.username, password)
      const hash = await hashOf(user)
      if (isReplaced) expect(hash).toMatch(TODAY)
      else expect(hash).toBe(user.passwordHash)
    },
  )

  it('a typing error beyond the 72 bytes of a bcrypt hash does not replace it, so that the correct password still signs in', async () => {
    const { server, client } = await newScene()
    const password = `${'x'.repeat(72)} and the end`
    const user = await addImported(server, { passwordHash: bcrypt(password) })
    await server.signIn(client, user.username, `${'x'.repeat(72)} and another end`)
    expect(await hashOf(user)).toBe(user.passwordHash)
    expect(await auditOf({ subject: user.id, kind: 'rehash' })).toEqual([])
    await server.signIn(client, user.username, password)
  })

  it('a sign-in replaces a hash of a scheme that reads every byte, for a password of any length', async () => {
    const { server, client } = await newScene()
    const password = 'y'.repeat(128)
    const user = await addImported(server, { passwordHash: scrypt(password) })
    await server.signIn(client, user.username, password)
    expect(await hashOf(user)).toMatch(TODAY)
  })
})

describeCustomers('the hash of a user', () => {
  it('the hash of a user stays if its scheme and cost are those of a new hash', async () => {
    const { server, client } = await newScene()
    const user = await server.addUser()
    await server.signIn(client, user.username)
    expect(await hashOf(user)).toBe(user.passwordHash)
    expect(await auditOf({ subject: user.id, kind: 'rehash' })).toEqual([])
  })

  it('the hash of a user follows a change of password_hash in config.yml', async () => {
    const { server, client } = await newScene()
    const user = await server.addUser()
    const dearer = new TestServer({ config: { password_hash: { m: 47104, t: 1, p: 1 } } })
    await dearer.signIn(client, user.username)
    expect(await hashOf(user)).toMatch(/^\$argon2id\$v=19\$m=47104,t=1,p=1\$/)
    await dearer.signIn(client, user.username)
  })

  it('the hash of a user is replaced once by parallel sign-ins', async () => {
    const { server, client } = await newScene()
    const user = await addImported(server)
    const others = [server, server.anotherIsolate(), server.anotherIsolate()]
    await Promise.all(others.map((other) => other.signIn(client, user.username)))
    expect(await auditOf({ subject: user.id, kind: 'rehash' })).toHaveLength(1)
    await server.signIn(client, user.username)
  })

  it('the hash of a user is the hash of the new password if the password was changed in between', async () => {
    const { server, client } = await newScene()
    const user = await addImported(server)
    const passwordHash = await server.services.passwords.hash(encodeUtf8('a new password'))
    const databases = aroundUserDatabases(async (sql, call) => {
      if (isReplacement(sql)) {
        await changePassword(server, user.id, passwordHash)
      }
      return call()
    })
    await new TestServer({ config: DEFAULT_COST, env: databases }).signIn(client, user.username)
    await server.settle()
    expect(await hashOf(user)).toBe(passwordHash)
    expect(await auditOf({ subject: user.id, kind: 'rehash' })).toEqual([])
    await expect(server.signIn(client, user.username)).rejects.toThrow('invalid_grant')
    await server.signIn(client, user.username, 'a new password')
  })

  it.each(FAULTS)(
    'the hash of a user does not fail a sign-in if the call that replaces it fails %s',
    async (fault) => {
      const { server, client } = await newScene()
      const user = await addImported(server)
      const faulty = new FaultyD1({ fault, nth: 1, matches: isReplacement })
      await new TestServer({ config: DEFAULT_COST, env: faulty.databases }).signIn(client, user.username)
      await faulty.settle()
      expect(faulty.failed).not.toBe(null)
      await server.signIn(client, user.username)
      expect(await hashOf(user)).toMatch(TODAY)
    },
  )

  it('the hash of a user is in no line of the log and in no audit event, nor is the password', async () => {
    const lines: string[] = []
    for (const level of ['info', 'warn', 'error'] as const) {
      const spy = vi.spyOn(console, level).mockImplementation((line: string) => lines.push(line))
      onTestFinished(() => spy.mockRestore())
    }
    const { server, client } = await newScene()
    const user = await addImported(server)
    const faulty = new FaultyD1({ fault: 'before it is made', nth: 1, matches: isReplacement })
    await new TestServer({ config: DEFAULT_COST, env: faulty.databases }).signIn(client, user.username)
    await server.signIn(client, user.username)
    const today = (await hashOf(user)) ?? ''
    const tooDear = user.passwordHash.replace('$04$', '$14$')
    await databaseOf(user.id)
      .prepare('UPDATE users SET password_hash = ? WHERE id = ?')
      .bind(tooDear, user.id)
      .run()
    await expect(server.signIn(client, user.username)).rejects.toThrow('500 {"error":"server_error"')
    const written = [...lines, JSON.stringify(await auditOf({ client_id: client.id }))].join('\n')
    expect(written).toContain('"work":"rehash"')
    expect(written).toContain('the old one was bcrypt cost=4')
    expect(written).toContain('bcrypt: cost=14 takes too long')
    for (const secret of [PASSWORD, user.passwordHash.slice(7), today.slice(31), today.slice(-43)]) {
      expect(written).not.toContain(secret)
    }
  })
})
