import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { describe, expect, it } from 'vitest'
import { CLIENT_ID } from '../../src/clients/client_fields.ts'
import { parseConfig } from '../../src/config/parse_config.ts'
import { decodeUtf8 } from '../../src/lib/bytes.ts'
import { UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import {
  createUser,
  type ImportedUserDraft,
  importUser,
  PasswordRefused,
  type UserDraft,
  UserRefused,
} from '../../src/users/create_user.ts'
import { type ImportedHash, PasswordHasher } from '../../src/users/password_hash.ts'
import { generateUserId } from '../../src/users/user.ts'
import { generateVisitorId, isVisitorId } from '../../src/users/visitor.ts'
import { configText } from '../support/server.ts'

const NOW = 1_900_000_000
const badUsername = (problem: string) => new UserRefused('username', `the username ${problem}`)
const BAD_PASSWORD = new PasswordRefused('length', 'the password must be plain text of 8 to 128 characters')
const SHORT_PASSWORD = new PasswordRefused(
  'length',
  'the password is too short: it must have at least 8 characters',
)
const GUEST_NAME = new UserRefused(
  'username',
  '"guest" is the name of anonymous visitors in the pool "customers"',
)

const BAD_ROLE = new UserRefused(
  'roles',
  'a role must be plain text of 1 to 64 characters, without spaces, commas and vertical bars',
)

const hasher = new PasswordHasher(argon2Module, { m: 256, t: 2, p: 1 })

/** Guests are on for the pool `customers` and off for `staff`. The fake hash contains the password. */
const dependencies = {
  config: parseConfig(configText()),
  commonPasswords: { has: async () => false },
  breaches: { find: async () => 'unknown' as const },
  passwords: {
    hash: async (password: Uint8Array) => `hash of ${decodeUtf8(password)}`,
    readImported: (text: string) => hasher.readImported(text),
    adopt: (imported: ImportedHash) => hasher.adopt(imported),
  },
}

function create(changes: Partial<UserDraft> = {}) {
  const draft = { pool: 'customers', username: 'zoe', password: 'correct horse', roles: [], enabled: true }
  const nowhere = { ...UNKNOWN_CALLER, waitUntil: () => {} }
  const setting = {
    occasion: { api: null, clientId: null, subject: null },
    context: { now: NOW, ...nowhere },
  }
  return createUser({ ...draft, ...changes }, dependencies, setting)
}

/** Of crypt_blowfish (wrapper.c), for `U*U`. */
const BCRYPT = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

function importOne(changes: Partial<ImportedUserDraft> = {}) {
  const draft = { pool: 'customers', username: 'zoe', passwordHash: BCRYPT, roles: [], enabled: true }
  return importUser({ ...draft, ...changes }, dependencies, NOW)
}

describe('a new user', () => {
  it('a new user has a normalised username, a hash of the normalised password, and the values of the draft', async () => {
    const draft = {
      pool: 'staff',
      username: 'ZOE\u0308',
      password: 'pa\u0302tisserie',
      roles: ['admin'],
      enabled: false,
    }
    expect(await create(draft)).toEqual({
      id: expect.stringMatching(/^user:[A-Za-z0-9_-]{22}$/),
      pool: 'staff',
      username: 'zo\u00eb',
      passwordHash: 'hash of p\u00e2tisserie',
      isHashReplaceable: false,
      breachCheckedAt: null,
      passwordBreached: false,
      deletionAt: null,
      hasTotp: false,
      hasPasskey: false,
      enabled: false,
      roles: ['admin'],
      mustChangePassword: false,
      createdAt: NOW,
      tokensValidFrom: 0,
      accessValidFrom: 0,
    })
  })

  it.each([
    ['an empty name', { username: '' }, badUsername('is empty')],
    ['a name of 256 characters', { username: 'x'.repeat(256) }, badUsername('has more than 255 characters')],
    [
      'a NUL in the name',
      { username: 'zoe\0' },
      badUsername('has the character U+0000, which is not allowed'),
    ],
    [
      'half a surrogate pair in the name',
      { username: 'zoe\ud800' },
      badUsername('has the character U+D800, which is not allowed'),
    ],
    [
      'a pool that no API has',
      { pool: 'partners' },
      new UserRefused(
        'pool',
        'config.yml has no API with the user pool "partners": it has customers, staff, operators',
      ),
    ],
    ['a role without a name', { roles: ['admin', ''] }, BAD_ROLE],
    ['a role with space around it', { roles: ['admin '] }, BAD_ROLE],
    ['a line break in a role', { roles: ['ad\nmin'] }, BAD_ROLE],
    ['half a surrogate pair in a role', { roles: ['admin\ud800'] }, BAD_ROLE],
    ['a role of 65 characters', { roles: ['x'.repeat(65)] }, BAD_ROLE],
    ['an empty password', { password: '' }, SHORT_PASSWORD],
    ['a password of 129 characters', { password: 'x'.repeat(129) }, BAD_PASSWORD],
    ['a password of 7 characters', { password: 'seventy' }, SHORT_PASSWORD],
    ['7 characters, typed as 8', { password: 'pa\u0302tisse' }, SHORT_PASSWORD],
    ['a NUL in the password', { password: 'correct horse\0' }, BAD_PASSWORD],
    ['half a surrogate pair in the password', { password: 'correct horse\ud800' }, BAD_PASSWORD],
  ])('a new user is refused with a reason for the operator: %s', async (_case, changes, refusal) => {
    await expect(create(changes)).rejects.toThrow(refusal)
  })

  it('a new user can have a username of 255 characters and a password of 128', async () => {
    const [username, password] = ['x'.repeat(255), '🔑'.repeat(128)]
    expect(await create({ username, password })).toMatchObject({
      username,
      passwordHash: `hash of ${password}`,
    })
  })
})

describe('an imported user', () => {
  it('an imported user has the given hash, a normalised username, and the values of the draft', async () => {
    const draft = { pool: 'staff', username: 'ZOE\u0308', roles: ['ROLE_ADMIN', 'SALES_REP'], enabled: false }
    expect(await importOne(draft)).toEqual({
      id: expect.stringMatching(/^user:[A-Za-z0-9_-]{22}$/),
      pool: 'staff',
      username: 'zo\u00eb',
      passwordHash: BCRYPT,
      isHashReplaceable: true,
      breachCheckedAt: null,
      passwordBreached: false,
      deletionAt: null,
      hasTotp: false,
      hasPasskey: false,
      enabled: false,
      roles: ['ROLE_ADMIN', 'SALES_REP'],
      mustChangePassword: false,
      createdAt: NOW,
      tokensValidFrom: 0,
      accessValidFrom: 0,
    })
  })

  it.each([
    [
      'a hash that takes too long',
      { passwordHash: BCRYPT.replace('$05$', '$14$') },
      'bcrypt: cost=14 takes too long: at most 13',
    ],
    [
      'a hash of no known scheme',
      { passwordHash: 'secret' },
      'the hash does not name its scheme, and no scheme is given; name the scheme of the hash (docs',
    ],
  ])('an imported user is refused with the reason: %s', async (_case, changes, reason) => {
    await expect(importOne(changes)).rejects.toThrow(`the password hash is refused: ${reason}`)
  })

  it('an imported user is refused for the same reasons as any new user', async () => {
    await expect(importOne({ username: '' })).rejects.toThrow(badUsername('is empty'))
    await expect(importOne({ username: 'Guest' })).rejects.toThrow(GUEST_NAME)
    await expect(importOne({ roles: [''] })).rejects.toThrow(BAD_ROLE)
    await expect(importOne({ pool: 'partners' })).rejects.toThrow(
      'config.yml has no API with the user pool "partners"',
    )
  })
})

describe('the username of anonymous visitors', () => {
  it.each([['guest'], ['Guest'], ['GUEST'], ['ＧＵＥＳＴ'], [' guest ']])(
    'the username of anonymous visitors is refused in a pool whose API has guests, and allowed elsewhere: %s',
    async (username) => {
      await expect(create({ username })).rejects.toThrow(GUEST_NAME)
      expect(await create({ username, pool: 'staff' })).toMatchObject({ username: 'guest', pool: 'staff' })
    },
  )

  it.each([['guest1'], ['the guest'], ['guest@example.com']])(
    'the username of anonymous visitors does not include %s',
    async (username) => {
      expect(await create({ username })).toMatchObject({ username, pool: 'customers' })
    },
  )
})

describe('a user id', () => {
  it('a user id differs from the ids of visitors and clients for every username', async () => {
    const names = ['visitor:x', 'client', 'user:x', 'staff']
    const users = await Promise.all(names.map((username) => create({ username })))
    const ids = [...users.map((user) => user.id), generateUserId()]
    for (const id of ids) {
      expect(id.slice(0, 5)).toBe('user:')
      expect([isVisitorId(id), CLIENT_ID.test(id)]).toEqual([false, false])
    }
    expect(isVisitorId(generateVisitorId())).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
