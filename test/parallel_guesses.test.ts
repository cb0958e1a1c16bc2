import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { timers } from '../src/lib/timers.ts'
import { MAX_MARKS } from '../src/users/sign_in_mark.ts'
import type { User } from '../src/users/user.ts'
import { aroundD1 } from './support/around_d1.ts'
import { auditOf } from './support/audit.ts'
import { addConsoleClient, ConsoleBrowser } from './support/console.ts'
import { describeCustomers } from './support/customer_places.ts'
import { readFeed } from './support/feed.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, emptyStores, PASSWORD, TestServer } from './support/server.ts'
import { aroundUserDatabases, databaseOf, wrapUserDatabases } from './support/user_databases.ts'

const CONFIG = { password_queue: { length: 1000, seconds: 30 } }
const ISOLATES = 60
const LIMIT = 10
/** The number of parallel attempts at a current password. */
const TRIES = 20
const REASON = 'its account was locked within a minute of the sign-in'
const INVALID_REFRESH = { error: 'invalid_grant', error_description: 'The refresh token is invalid.' }

const isFailure = (sql: string) => sql.includes('(kind, key, failures, failed_at')
const isMark = (sql: string) => sql.includes('(kind, key, failures, sign_ins')
const isFirstRead = (sql: string) => sql.includes('FROM users WHERE pool = ?3')

/** The databases of isolates that count failures and sign-ins only after all of them have read the counts. */
class Order {
  readonly #readers: number
  /** The database with the count of the account. */
  readonly #counted: D1Database
  #reads = 0
  readonly #allRead = Promise.withResolvers<void>()

  constructor(readers: number, counted: D1Database) {
    this.#readers = readers
    this.#counted = counted
  }

  /** @param after Runs after a call to the database with the count of the account. */
  databases(before: (sql: string) => Promise<void> | undefined, after: (sql: string) => void) {
    return wrapUserDatabases((db) =>
      aroundD1(async (sql, call) => {
        if (isFailure(sql) || isMark(sql)) await this.#allRead.promise
        await before(sql)
        const result = await call()
        if (db !== this.#counted) return result
        if (isFirstRead(sql) && ++this.#reads === this.#readers) this.#allRead.resolve()
        after(sql)
        return result
      }, db),
    )
  }
}

interface Guessing {
  /** The number of wrong guesses. One further guess is correct. */
  wrong: number
  /** The statement that reaches the primary first. */
  first: 'the sign-in' | 'the failures' | 'either'
  /** Runs after the failures and before the record of the sign-in. */
  between?: () => Promise<void>
}

/** Guesses a password in parallel from isolates without earlier failures. One of the guesses is correct. */
async function guessAtOnce(
  server: TestServer,
  { id, username }: Pick<User, 'id' | 'username'>,
  { wrong, first, between = async () => {} }: Guessing,
) {
  const client = await server.addClient()
  const order = new Order(wrong + 1, databaseOf(id))
  const [marked, counted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let failures = 0
  const wrongDatabases = order.databases(
    (sql) => (isFailure(sql) && first === 'the sign-in' ? marked.promise : undefined),
    (sql) => {
      if (isFailure(sql) && ++failures === wrong) counted.resolve()
    },
  )
  const rightDatabases = order.databases(
    (sql) => (isMark(sql) && first === 'the failures' ? counted.promise.then(between) : undefined),
    (sql) => {
      if (isMark(sql)) marked.resolve()
    },
  )
  const isolateOn = (databases: Partial<Cloudflare.Env>) => {
    const isolate = new TestServer({ config: CONFIG, clock: server.clock, env: databases })
    // The memories of 60 Argon2 instances do not fit into one test. So the isolates share the hasher, and nothing else.
    return Object.assign(isolate, {
      services: Object.assign(isolate.services, { passwords: server.services.passwords }),
    })
  }
  const guess = (isolate: TestServer, password: string) =>
    isolate.postJson({ grant_type: 'password', ...credentials(client), username, password })
  const [right, ...others] = await Promise.all([
    guess(isolateOn(rightDatabases), PASSWORD),
    ...Array.from({ length: wrong }, (_, i) => guess(isolateOn(wrongDatabases), `guess ${i}`)),
  ])
  expect(others.map(({ status }) => status)).toEqual(Array(wrong).fill(400))
  expect(right.status).toBe(200)
  return { client, tokens: await right.json<{ access_token: string; refresh_token: string }>() }
}

beforeEach(async () => {
  await emptyStores()
  // The tests delay calls for longer than the timeout of a store.
  const spy = vi.spyOn(timers, 'start').mockImplementation(() => null)
  onTestFinished(() => spy.mockRestore())
})

describeCustomers(
  `parallel guesses with one correct password, each in an isolate without earlier failures`,
  ({ name }) => {
    const isolates = name === 'the main database' ? ISOLATES : LIMIT + 1

    it('the sign-in of the correct guess keeps no session if an operator unlocks the account before the sign-in is recorded', async () => {
      const server = new TestServer({ config: CONFIG })
      const { id, username } = await server.addUser()
      const support = await TestOperator.signIn(server, ['support'])
      const { client, tokens } = await guessAtOnce(
        server,
        { id, username },
        {
          wrong: LIMIT,
          first: 'the failures',
          async between() {
            const { status, body } = await support.post(`/users/${id}/unlock`)
            expect([status, body.failures, body.locked_until]).toEqual([200, 0, null])
          },
        },
      )
      const { refresh_token } = tokens
      const refresh = await server.postJson({
        grant_type: 'refresh_token',
        ...credentials(client),
        refresh_token,
      })
      expect([refresh.status, await refresh.json()]).toEqual([400, INVALID_REFRESH])
    })

    it.each(['the sign-in', 'the failures'] as const)(
      'the sign-in of the correct guess keeps no session if the primary receives %s first',
      async (first) => {
        const server = new TestServer({ config: CONFIG })
        const { id, username } = await server.addUser()
        const { client, tokens } = await guessAtOnce(server, { id, username }, { wrong: isolates - 1, first })
        const { sid } = decodeJwt(tokens.access_token)
        const refresh = await server.postJson({
          grant_type: 'refresh_token',
          ...credentials(client),
          refresh_token: tokens.refresh_token,
        })
        expect([refresh.status, await refresh.json()]).toEqual([400, INVALID_REFRESH])
        expect((await readFeed(server)).revocations).toContainEqual(expect.objectContaining({ sid }))
        expect(await auditOf({ kind: 'cut_off', subject: id })).toEqual([
          {
            kind: 'cut_off',
            outcome: 'ok',
            reason: REASON,
            api: 'storefront',
            client_id: client.id,
            subject: id,
            sid,
            address_prefix: null,
            actor: null,
            actor_client: null,
          },
        ])
        expect(await auditOf({ kind: 'lock', subject: id })).toHaveLength(1)
        await expect(server.signIn(client, username)).rejects.toThrow('invalid_grant')
      },
      60_000,
    )

    it('parallel guesses do not end the older sessions of the user', async () => {
      const server = new TestServer({ config: CONFIG })
      const user = await server.addUser()
      const { username } = user
      const own = await server.addClient()
      const { refresh_token: older } = await server.signIn(own, username)
      server.clock.time += 60
      await guessAtOnce(server, user, { wrong: LIMIT, first: 'either' })
      const { refresh_token: next } = await server.refresh(own, older)
      await server.refresh(own, next)
      expect(await auditOf({ kind: 'cut_off' })).toHaveLength(1)
    })

    it('parallel guesses do not end the session if they are fewer than the limit', async () => {
      const server = new TestServer({ config: CONFIG })
      const user = await server.addUser()
      const { client, tokens } = await guessAtOnce(server, user, { wrong: LIMIT - 1, first: 'either' })
      await server.refresh(client, tokens.refresh_token)
      expect(await auditOf({ kind: 'cut_off' })).toEqual([])
    })
  },
)

describeCustomers('a sign-in that cannot be recorded', () => {
  it('a sign-in that cannot be recorded succeeds, is logged, and starts a session that a lock does not end', async () => {
    const lines: string[] = []
    const spy = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
    onTestFinished(() => spy.mockRestore())
    const server = new TestServer({ config: CONFIG })
    const { username } = await server.addUser()
    const client = await server.addClient()
    const databases = aroundUserDatabases((sql, call) =>
      isMark(sql) ? Promise.reject(new Error('away')) : call(),
    )
    const away = new TestServer({ config: CONFIG, clock: server.clock, env: databases })
    const { refresh_token: token } = await away.signIn(client, username)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'deferred_work_failed', work: 'record sign-in' },
    ])
    for (let i = 0; i < LIMIT; i++) {
      await server.postJson({ grant_type: 'password', ...credentials(client), username, password: 'wrong' })
    }
    await server.refresh(client, token)
  })
})

describeCustomers('a sign-in among guesses', () => {
  it('a sign-in among guesses resets earlier failures, but no failures that were counted during the sign-in', async () => {
    const server = new TestServer({ config: CONFIG })
    const user = await server.addUser()
    const { username } = user
    const client = await server.addClient()
    const fail = (times: number) =>
      Promise.all(
        Array.from({ length: times }, () =>
          server.postJson({ grant_type: 'password', ...credentials(client), username, password: 'wrong' }),
        ),
      )
    const failures = () =>
      databaseOf(user.id)
        .prepare("SELECT failures FROM sign_in_failures WHERE kind = 'account'")
        .first('failures')
    await fail(4)
    expect(await failures()).toBe(4)
    await server.signIn(client, username)
    expect(await failures()).toBe(0)
    await guessAtOnce(server, user, { wrong: 3, first: 'the failures' })
    expect(await failures()).toBe(3)
  })

  it('a sign-in among guesses does not keep its session if the minute before a lock has more sign-ins than the server stores', async () => {
    const server = new TestServer({ config: CONFIG })
    const { id, username } = await server.addUser()
    const client = await server.addClient()
    const { refresh_token: first } = await server.signIn(client, username)
    for (let i = 0; i < MAX_MARKS; i++) await server.signIn(client, username)
    for (let i = 0; i < LIMIT; i++) {
      await server.postJson({ grant_type: 'password', ...credentials(client), username, password: 'wrong' })
    }
    await expect(server.refresh(client, first)).rejects.toThrow('invalid_grant')
    expect((await readFeed(server)).revocations).toContainEqual(expect.objectContaining({ sub: id }))
    // The event of a user in a further database is in the trail after the next cron trigger.
    await server.cron()
    expect(await auditOf({ kind: 'cut_off', subject: id })).toEqual([
      expect.objectContaining({ outcome: 'ok', reason: REASON, sid: null, actor: null }),
    ])
  })

  it('the server stores a bounded number of sign-ins of an account, those of the last minute', async () => {
    const server = new TestServer({ config: CONFIG })
    const { id, username } = await server.addUser()
    const client = await server.addClient()
    const marks = () =>
      databaseOf(id)
        .prepare('SELECT json_array_length(sign_ins) AS n FROM sign_in_failures')
        .first<number>('n')
    for (let i = 0; i < MAX_MARKS + 2; i++) await server.signIn(client, username)
    expect(await marks()).toBe(MAX_MARKS)
    server.clock.time += 60
    await server.signIn(client, username)
    expect(await marks()).toBe(1)
    server.clock.time += 60
    await server.sweep()
    expect(await marks()).toBe(null)
  })
})

describe('a refused parameter of a sign-in among guesses', () => {
  it.each([
    ['an unknown scope', 'invalid_scope', { scope: 'nothing' }],
    ['a scope that is no text', 'The parameter scope', { scope: 1 }],
    ['a visitor token that is no text', 'The parameter visitor_access_token', { visitor_access_token: {} }],
    ['a challenge response that is no text', 'The parameter challenge_response', { challenge_response: [] }],
  ])(
    'a sign-in among guesses does not reveal whether the password was correct in the refusal of %s',
    async (_, told, parameters) => {
      const server = new TestServer({ config: CONFIG })
      const { username } = await server.addUser()
      const client = await server.addClient()
      const attempt = { grant_type: 'password', ...credentials(client), username, ...parameters }
      const answers: unknown[] = []
      for (const password of [PASSWORD, 'wrong']) {
        const response = await server.postJson({ ...attempt, password })
        answers.push([response.status, await response.text()])
      }
      expect(answers[0]).toEqual([400, expect.stringContaining(told)])
      expect(answers[1]).toEqual(answers[0])
    },
  )
})

describe('an operator', () => {
  it('an operator is signed out of the console if guesses lock the account within a minute of the sign-in', async () => {
    const server = new TestServer({ config: CONFIG })
    await addConsoleClient(server)
    const { username } = await server.addUser({ pool: 'operators', roles: ['admin'] })
    const browser = new ConsoleBrowser(server)
    await browser.signInAt('/console', username)
    const client = await server.addClient({ api: 'admin' })
    const guess = { grant_type: 'password', ...credentials(client), username }
    for (let i = 0; i < LIMIT; i++) await server.postJson({ ...guess, password: `guess ${i}` })
    expect((await browser.get('/console')).location).toMatch('/oauth2-token/authorize')
  })

  it(`an operator has at most ${LIMIT} attempts at the current password, with any number of parallel isolates`, async () => {
    const server = new TestServer({ config: CONFIG })
    const operator = await TestOperator.signIn(server)
    server.clock.time += 60
    const path = '/admin/api/me/password'
    const headers = { Authorization: `Bearer ${operator.tokens.access_token}` }
    const others = Promise.withResolvers<void>()
    let reserved = 0
    const note = aroundD1(async (sql, call) => {
      const result = await call()
      if (isFailure(sql) && ++reserved === TRIES - 1) others.resolve()
      return result
    })
    const held = aroundD1(async (sql, call) => {
      if (isFailure(sql)) await others.promise
      return call()
    })
    const answers = await Promise.all(
      Array.from({ length: TRIES }, (_, i) => {
        const isolate = new TestServer({
          config: CONFIG,
          clock: server.clock,
          env: { DB: i === 0 ? held : note },
        })
        Object.assign(isolate.services, { passwords: server.services.passwords })
        const current_password = i === 0 ? PASSWORD : `guess ${i}`
        return isolate.postJson({ current_password, password: 'another password' }, headers, path)
      }),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(TRIES).fill(403))
    for (const answer of answers) {
      expect(await answer.json()).toEqual(problem(403, 'wrong-password', 'Your own password is wrong'))
    }
    const refusals = await auditOf({ kind: 'admin', outcome: 'refused', subject: operator.id })
    expect(refusals.filter(({ reason }) => reason === 'wrong current password')).toHaveLength(LIMIT)
    server.clock.time += 60
    await operator.signInAgain()
  }, 60_000)
})
