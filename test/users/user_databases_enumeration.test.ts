import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { timers } from '../../src/lib/timers.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, signInAt } from '../support/authorize.ts'
import { FarStores } from '../support/far_stores.ts'
import { PassingTime } from '../support/passing_time.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { IN_ONE_DATABASE, IN_TWO_DATABASES } from '../support/user_databases.ts'

const U1_DOWN = aroundD1(() => Promise.reject(new Error('the store is down')), env.USERS_1)

/** Users of the main database and of both further databases, and unknown names with a place in each of these two. */
async function prepare() {
  const before = new TestServer()
  const { clock } = before
  const client = await before.addClient({ ...CODE_CLIENT, grants: ['password', 'authorization_code'] })
  const two = new TestServer({ config: IN_TWO_DATABASES, clock })
  const nameIn = (database: string, kind: string) => {
    const names = Array.from({ length: 64 }, (_, i) => `${kind}-${i}@shop.test`)
    const isThere = (username: string) =>
      two.services.userDatabases.nameForNew({ pool: 'customers', username }) === database
    return names.find(isThere) ?? ''
  }
  const old = await before.addUser({ username: nameIn('u1', 'old') })
  const first = await new TestServer({ config: IN_ONE_DATABASE, clock }).addUser()
  const second = await two.addUser({ username: nameIn('u2', 'second') })
  const known = { old: old.username, first: first.username, second: second.username }
  const names = [...Object.values(known), nameIn('u1', 'unknown'), nameIn('u2', 'unknown')]
  expect(new Set(names.filter(Boolean)).size).toBe(5)
  const inOutage = new TestServer({ config: IN_TWO_DATABASES, clock, env: { USERS_1: U1_DOWN } })
  return { client, clock, known, names, inOutage }
}

async function answerTo(server: TestServer, client: TestClient, username: string, password: string) {
  const form = { grant_type: 'password', ...credentials(client), username, password }
  const response = await server.postJson(form)
  return [response.status, await response.text()]
}

type Attempt = (password: string) => Promise<number>

/** Two ways to sign in. Each prepares an attempt of a username, which gives the status of its response. */
const ATTEMPTS = {
  'the password grant': async (
    server: TestServer,
    client: TestClient,
    username: string,
  ): Promise<Attempt> => {
    return async (password) => Number((await answerTo(server, client, username, password))[0])
  },
  'a page': async (server: TestServer, client: TestClient, username: string): Promise<Attempt> => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    return async (password) => (await signInAt(browser, username, password)).status
  },
}
const WAYS = Object.keys(ATTEMPTS) as (keyof typeof ATTEMPTS)[]

/** Delays each transaction of a sign-in at the primary of a database. The first read of a sign-in is no transaction. */
function delayed(db: D1Database, ms: number): D1Database {
  return aroundD1(async (sql, call, breakOff) => {
    if (breakOff && sql.includes('sign_in_failures'))
      await new Promise<void>((resolve) => timers.start(resolve, ms))
    return call()
  }, db)
}

describe('the usernames of a pool in several databases', () => {
  beforeEach(emptyStores)

  it.each(
    WAYS.flatMap((way) => [
      { way, ms: [10, 20, 40] as const },
      { way, ms: [40, 10, 20] as const },
      { way, ms: [20, 40, 10] as const },
    ]),
  )(
    'a refused sign-in waits for the primary of each database, for every name: $way, $ms ms',
    async ({ way, ms }) => {
      const { client, clock, names } = await prepare()
      const stores = new FarStores()
      const { DB, USERS_1, USERS_2 } = stores.env
      const slow = {
        DB: delayed(DB, ms[0]),
        USERS_1: delayed(USERS_1, ms[1]),
        USERS_2: delayed(USERS_2, ms[2]),
      }
      const server = new TestServer({ config: IN_TWO_DATABASES, clock, env: { ...stores.env, ...slow } })
      const time = new PassingTime(stores)
      await time.during(answerTo(server, client, 'guest', 'guest'))
      await time.during(server.settle())
      const waits: number[] = []
      for (const username of names) {
        const attempt = await time.during(ATTEMPTS[way](server, client, username))
        await time.during(server.settle())
        const before = time.elapsedMs
        expect(await time.during(attempt('a wrong password'))).toBe(400)
        waits.push(time.elapsedMs - before)
        await time.during(server.settle())
      }
      // A read at the replicas takes 1 ms, and then a call to the slowest primary 41 ms.
      expect(waits).toEqual([42, 42, 42, 42, 42])
    },
  )

  it('while a database is down, a wrong password and an unknown name get one response, and a right password signs in', async () => {
    const { client, known, names, inOutage } = await prepare()
    const answers: unknown[][] = []
    for (const username of names) answers.push(await answerTo(inOutage, client, username, 'a wrong password'))
    expect(answers[0]?.[0]).toBe(503)
    expect(answers).toEqual(answers.map(() => answers[0]))
    expect((await answerTo(inOutage, client, known.first, PASSWORD))[0]).toBe(503)
    for (const username of [known.old, known.second])
      expect((await answerTo(inOutage, client, username, PASSWORD))[0]).toBe(200)
  })

  it('while a database is down, its users count no failure, and guesses of other users count', async () => {
    const { client, clock, known } = await prepare()
    const config = {
      ...IN_TWO_DATABASES,
      sign_in_limits: { account: { failures: 3, lock: 60, longest_lock: 60 } },
    }
    const server = new TestServer({ config, clock, env: { USERS_1: U1_DOWN } })
    const failuresIn = (db: D1Database) =>
      db.prepare('SELECT coalesce(sum(failures), 0) AS n FROM sign_in_failures').first('n')
    for (let i = 0; i < 5; i++) await answerTo(server, client, known.first, PASSWORD)
    await server.settle()
    expect(await Promise.all([env.DB, env.USERS_1, env.USERS_2].map(failuresIn))).toEqual([0, 0, 0])
    for (let i = 0; i < 3; i++) await answerTo(server, client, known.old, 'a wrong password')
    expect((await answerTo(new TestServer({ config, clock }), client, known.old, PASSWORD))[0]).toBe(400)
  })
})
