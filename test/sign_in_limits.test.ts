import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { describeCustomers } from './support/customer_places.ts'
import { countingDatabases, FAULTS, FaultyD1 } from './support/faults.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, PASSWORD, type TestClient, TestServer } from './support/server.ts'
import { aroundUserDatabases } from './support/user_databases.ts'

const ADDRESS = '203.0.113.7'
const LIMITS = {
  account: { failures: 3, lock: 60, longest_lock: 240 },
  address: { failures: 5, lock: 60, longest_lock: 240 },
  client: { failures: 8, lock: 60, longest_lock: 240 },
}
const WRONG = { error: 'invalid_grant', error_description: 'The user credentials were incorrect.' }
const TOO_MANY = {
  error: 'temporarily_unavailable',
  error_description: 'There were too many attempts. Try again later.',
}

interface Try {
  username: string
  password?: string
  address?: string
}

function trySignIn(server: TestServer, client: TestClient, { username, password = 'wrong', address }: Try) {
  const headers = address === undefined ? {} : { 'CF-Connecting-IP': address }
  return server.postJson({ grant_type: 'password', ...credentials(client), username, password }, headers)
}

async function newScene(sign_in_limits: object = LIMITS) {
  const server = new TestServer({ config: { sign_in_limits } })
  return { server, client: await server.addClient(), user: await server.addUser() }
}

async function fail(server: TestServer, client: TestClient, attempt: Try, times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect((await trySignIn(server, client, attempt)).status).toBe(400)
}

async function wholeAnswer(response: Response) {
  return [response.status, [...response.headers], await response.text()]
}

describeCustomers('an account', () => {
  it('an account is locked once for all locations by failures at any location', async () => {
    const { server, client, user } = await newScene({ account: { failures: 10 } })
    const locations = Array.from({ length: 10 }, () => server.anotherIsolate())
    const { username, id } = user
    const answers = await Promise.all(locations.map((location) => trySignIn(location, client, { username })))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(400))
    expect(await auditOf({ kind: 'lock', subject: id })).toEqual([
      {
        kind: 'lock',
        outcome: 'ok',
        reason: 'account: 10 failed sign-ins, locked for 60 s',
        api: 'storefront',
        client_id: client.id,
        subject: id,
        sid: null,
        address_prefix: null,
        actor: null,
        actor_client: null,
      },
    ])
    for (const location of [server, server.anotherIsolate()]) {
      await expect(location.signIn(client, username)).rejects.toThrow('invalid_grant')
    }
  })

  it('an account has the response and the work of a wrong password while it is locked, also for the correct password', async () => {
    const { server, client, user } = await newScene()
    const { username } = user
    const { databases, statements } = countingDatabases()
    const counting = new TestServer({ config: { sign_in_limits: LIMITS }, env: databases })
    const hash = counting.services.passwords.verify.bind(counting.services.passwords)
    let hashes = 0
    counting.services.passwords.verify = (...parameters) => {
      hashes++
      return hash(...parameters)
    }
    const observe = async (attempt: Try) => {
      hashes = 0
      statements.length = 0
      const answer = await wholeAnswer(await trySignIn(counting, client, attempt))
      return { answer, hashes, statements: [...statements] }
    }
    // This request loads the client.
    await counting.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
    const unlocked = await observe({ username })
    const unknown = await observe({ username: 'nobody@example.com' })
    for (const name of [username, 'nobody@example.com']) await fail(server, client, { username: name }, 2)
    const locked = [
      await observe({ username, password: PASSWORD }),
      await observe({ username }),
      await observe({ username: 'nobody@example.com' }),
    ]
    expect(unlocked.answer).toEqual([400, expect.anything(), JSON.stringify(WRONG)])
    expect(unlocked.hashes).toBe(1)
    expect([unknown, ...locked]).toEqual(Array(4).fill(unlocked))
    const reasons = await auditOf({ kind: 'sign_in_failure', subject: user.id })
    expect(reasons.map(({ reason }) => reason)).toEqual([
      'wrong password',
      'wrong password',
      'wrong password',
      'locked user',
      'locked user, wrong password',
    ])
  })

  it('an account gets as many attempts in parallel as in sequence: an attempt that waits in the queue during a lock is refused, also a correct one', async () => {
    const { server, client, user } = await newScene()
    const { username } = user
    const guesses = ['a', 'b', 'c', 'd', 'e', 'f', PASSWORD]
    const answers = await Promise.all(
      guesses.map(async (password) => wholeAnswer(await trySignIn(server, client, { username, password }))),
    )
    expect(answers).toEqual(Array(guesses.length).fill([400, expect.anything(), JSON.stringify(WRONG)]))
    expect(await auditOf({ kind: 'lock', subject: user.id })).toHaveLength(1)
    server.clock.time += 60
    await server.signIn(client, username)
  })

  it('an account is unlocked after the lock, is locked for longer each time, and its count expires', async () => {
    const { server, client, user } = await newScene({ account: LIMITS.account })
    const { username } = user
    for (const seconds of [60, 120, 240, 240]) {
      await fail(server, client, { username }, 3)
      server.clock.time += seconds - 1
      // Neither attempt counts or extends the lock.
      await fail(server, client, { username, password: PASSWORD }, 1)
      server.clock.time += 1
    }
    server.clock.time += 3600
    await fail(server, client, { username }, 3)
    server.clock.time += 60
    await server.signIn(client, username)
  })

  it('an account has no failures after a successful sign-in, with one write after the response', async () => {
    const { server, client, user } = await newScene()
    const { username } = user
    const statements: string[] = []
    const databases = aroundUserDatabases((sql, call) => {
      if (sql.includes('sign_in_failures')) statements.push(sql)
      return call()
    })
    const counting = new TestServer({ config: { sign_in_limits: LIMITS }, env: databases })
    await fail(server, client, { username }, 2)
    await counting.signIn(client, username)
    await fail(server, client, { username }, 2)
    await server.signIn(client, username)
    statements.length = 0
    await counting.signIn(client, username)
    expect(statements).toEqual([
      ...server.services.userDatabases
        .namesFor('customers')
        .map(() => expect.stringContaining('FROM users WHERE pool = ?3')),
      expect.stringContaining('INTO sign_in_failures (kind, key, failures, sign_ins'),
    ])
  })

  it('an account does not stop existing sessions, machine tokens and guests while it is locked', async () => {
    const { server, client, user } = await newScene()
    const { refresh_token } = await server.signIn(client, user.username)
    server.clock.time += 60
    await fail(server, client, { username: user.username }, 4)
    await server.refresh(client, refresh_token)
    await server.signIn(client, 'guest', 'guest')
    await server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
  })

  it('an account is unlocked after an operator sets another password', async () => {
    const { server, client, user } = await newScene()
    const { username, id } = user
    await fail(server, client, { username }, 3)
    const operator = await TestOperator.confirmed(server)
    const password = 'a password from support'
    expect((await operator.post(`/users/${id}/password`, { password })).status).toBe(200)
    await server.signIn(client, username, password)
    await fail(server, client, { username }, 2)
    await server.signIn(client, username, password)
  })

  it('an account is separate from an account with the same username in another pool', async () => {
    const { server, client, user } = await newScene()
    const staff = await server.addUser({ pool: 'staff', username: user.username })
    await fail(server, client, { username: user.username }, 3)
    await server.signIn(await server.addClient({ api: 'backoffice' }), staff.username)
  })

  it.each(FAULTS)(
    'an account gets 503 and no session if the call that counts the failure fails %s',
    async (fault) => {
      const { server, client, user } = await newScene()
      const faulty = new FaultyD1({ fault, nth: 1, matches: (sql) => sql.includes('INTO sign_in_failures') })
      const other = new TestServer({ config: { sign_in_limits: LIMITS }, env: faulty.databases })
      const response = await trySignIn(other, client, { username: user.username })
      await faulty.settle()
      expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '2'])
      await server.signIn(client, user.username)
    },
  )

  it('an account signs its user in if the failures cannot be reset', async () => {
    const { server, client, user } = await newScene()
    await fail(server, client, { username: user.username }, 1)
    const databases = aroundUserDatabases((sql, call) =>
      sql.includes('INTO sign_in_failures') ? Promise.reject(new Error('away')) : call(),
    )
    await new TestServer({ env: databases }).signIn(client, user.username)
  })
})

describe('an address', () => {
  it.each([
    ['IPv4', ADDRESS, '203.0.113.8', `::ffff:${ADDRESS}`],
    ['IPv6, as its /64', '2001:db8:1:2::1', '2001:db8:1:3::1', '2001:0db8:1:2:ffff::9'],
  ])(
    'an address is locked for every username after too many failures: %s',
    async (_case, address, other, same) => {
      const { server, client, user } = await newScene()
      const users = await Promise.all(Array.from({ length: 5 }, () => server.addUser()))
      for (const { username } of users) await fail(server, client, { username, address }, 1)
      server.clock.time += 20
      const right = { username: user.username, password: PASSWORD }
      for (const blocked of [address, same]) {
        const response = await trySignIn(server.anotherIsolate(), client, { ...right, address: blocked })
        expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '40'])
        expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
        expect(await response.json()).toEqual(TOO_MANY)
      }
      expect((await trySignIn(server, client, { ...right, address: other })).status).toBe(200)
      server.clock.time += 40
      expect((await trySignIn(server, client, { ...right, address })).status).toBe(200)
    },
  )

  it('an address is not stored in clear text, and neither is a username', async () => {
    const { server, client } = await newScene()
    const username = `${crypto.randomUUID()}@example.com`
    await fail(server, client, { username, address: '198.51.100.77' }, 1)
    const { results } = await env.DB.prepare('SELECT * FROM sign_in_failures').all()
    const stored = JSON.stringify([results, await auditOf({ client_id: client.id })])
    expect(stored).not.toContain('198.51.100.77')
    expect(stored).not.toContain(username)
  })
})

describe('a client', () => {
  it('a client locks the addresses that took part in too many failures', async () => {
    const { server, client, user } = await newScene()
    const right = { username: user.username, password: PASSWORD }
    const attackers = Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`)
    for (const address of attackers) await fail(server, client, { username: `${address}@x`, address }, 1)
    const responses = [
      await trySignIn(server, client, { ...right, address: attackers[0] ?? '' }),
      await trySignIn(server, client, { ...right, address: '198.51.100.1' }),
      await trySignIn(server, await server.addClient(), { ...right, address: attackers[0] ?? '' }),
    ]
    expect(responses.map(({ status }) => status)).toEqual([429, 200, 200])
    expect(await auditOf({ kind: 'lock', client_id: client.id })).toMatchObject([
      { reason: 'client: 8 failed sign-ins, locked for 60 s', subject: null, address_prefix: '192.0.2.0/24' },
    ])
  })
})

describe('a caller without an address, such as a Worker behind a service binding', () => {
  it('a caller without an address signs users in while failures of other callers lock the client', async () => {
    const { server, client, user } = await newScene()
    const attackers = Array.from({ length: 8 }, (_, i) => `192.0.2.${i}`)
    for (const address of attackers) await fail(server, client, { username: `${address}@x`, address }, 1)
    await server.anotherIsolate().signIn(client, user.username)
  })

  it('a caller without an address locks no other caller without an address by its failures', async () => {
    const { server, client, user } = await newScene()
    for (let i = 0; i < 12; i++) await fail(server, client, { username: `made-up-${i}@x` }, 1)
    await server.anotherIsolate().signIn(client, user.username)
    await server.anotherIsolate().signIn(await server.addClient(), user.username)
  })

  it.each(['unknown', '', '203.0.113', 'fe80::1%eth0'])(
    'a caller without an address is also one whose header has no address: %j',
    async (address) => {
      const { server, client, user } = await newScene()
      for (let i = 0; i < 12; i++) await fail(server, client, { username: `made-up-${i}@x`, address }, 1)
      const right = { username: user.username, password: PASSWORD, address }
      expect((await trySignIn(server, client, right)).status).toBe(200)
    },
  )

  it('a caller without an address is refused for a locked account', async () => {
    const { server, client, user } = await newScene()
    await fail(server, client, { username: user.username }, 3)
    await expect(server.signIn(client, user.username)).rejects.toThrow('invalid_grant')
  })
})

describe('an operator’s current password', () => {
  it.each([
    ['to set another one', '/me/password', { password: 'another password' }],
    ['to confirm an operation', '/me/confirm', {}],
  ])('the current password at %s allows no more guesses than a sign-in', async (_for, path, rest) => {
    const server = new TestServer({ config: { sign_in_limits: LIMITS } })
    const operator = await TestOperator.signIn(server)
    server.clock.time += 60
    const change = (current_password: string) => operator.post(path, { current_password, ...rest })
    const wrong = [403, problem(403, 'wrong-password', 'Your own password is wrong')]
    for (const password of ['a guess', 'a guess', 'a guess', PASSWORD]) {
      const { status, body } = await change(password)
      expect([status, body]).toEqual(wrong)
    }
    expect(await auditOf({ kind: 'lock', subject: operator.id })).toHaveLength(1)
    await expect(operator.signInAgain()).rejects.toThrow('invalid_grant')
    server.clock.time += 60
    expect((await change(PASSWORD)).status).toBe(200)
  })
})

describe('parallel guesses at an operator’s current password', () => {
  it('parallel guesses at an operator’s current password get no more attempts than sequential guesses', async () => {
    const server = new TestServer({ config: { sign_in_limits: LIMITS } })
    const operator = await TestOperator.signIn(server)
    const guesses = ['a', 'b', 'c', 'd', 'e', PASSWORD]
    const answers = await Promise.all(
      guesses.map((current_password) =>
        operator.post('/me/password', { current_password, password: 'another password' }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(guesses.length).fill(403))
    expect(await auditOf({ kind: 'lock', subject: operator.id })).toHaveLength(1)
  })
})

describe('the sweep', () => {
  it('the sweep removes expired failures', async () => {
    const { server, client, user } = await newScene()
    await fail(server, client, { username: user.username }, 1)
    const remaining = () =>
      env.DB.prepare('SELECT count(*) AS n FROM sign_in_failures WHERE key = ?').bind(client.id).first('n')
    server.clock.time += 3599
    await server.sweep()
    expect(await remaining()).toBe(1)
    server.clock.time += 1
    await server.sweep()
    expect(await remaining()).toBe(0)
  })
})
