import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { pause } from '../../src/lib/pause.ts'
import {
  begin,
  CHALLENGE_PATH,
  type ChallengeResponse,
  challengeOf,
  STEP_CLIENT,
  step,
} from '../support/challenge.ts'
import { FarStores } from '../support/far_stores.ts'
import { MAIL } from '../support/mail_sink.ts'
import { PassingTime } from '../support/passing_time.ts'
import { enrol, wrongCode } from '../support/second_factor.ts'
import { emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { changePassword, disableClient, disableUser, signOutUser } from '../support/sign_out.ts'

const CONFIG = {
  mail: MAIL,
  accounts: { customers: { email_code: 'sign_in', second_factor: 'optional' } },
}
const INVALID_SESSION = {
  status: 400,
  error: 'invalid_session',
  error_description: 'The auth_session is invalid. Start again.',
}
const FIRST = ['username', 'password']
const SECOND = ['totp', 'recovery_code']

let server: TestServer
let shop: TestClient

beforeEach(async () => {
  await emptyStores()
  server = new TestServer({ config: CONFIG })
  shop = await server.addClient(STEP_CLIENT)
})

/** A user with a verified address. */
async function addReader() {
  const user = await server.addUser()
  const profile = JSON.stringify({ email: user.username, email_verified: true })
  await env.DB.prepare('UPDATE users SET profile = ? WHERE id = ?').bind(profile, user.id).run()
  return user
}

async function takeCode(): Promise<string> {
  const mails = await server.takeMails()
  return mails.map(({ text }) => /\b\d{6}\b/.exec(text)?.[0]).findLast((code) => code) ?? 'no code'
}

/** A user with an app, and a sign-in that waits for the second factor. */
async function pendingSignIn() {
  const app = await enrol(server, await server.addUser())
  const { auth_session } = await step(server, shop, { username: app.user.username, password: PASSWORD })
  return { app, auth_session, totp: await app.codeAt(server.clock.time) }
}

const statusesOf = (replies: ChallengeResponse[]) => replies.map(({ status }) => status).sort()

/** Sends steps at once, each to another isolate. */
const atOnce = (inputs: Record<string, unknown>[]) =>
  Promise.all(inputs.map((input) => step(server.anotherIsolate(), shop, input)))

async function countRows(): Promise<number[]> {
  const tables = ['one_time_values', 'mail_budgets', 'sign_in_failures', 'audit_events']
  const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')
  return (await Promise.all(tables.map(count))).map(Number)
}

describe('an auth_session', () => {
  it('a used auth_session is refused after each kind of proof, also by another isolate', async () => {
    const { username } = await addReader()
    const started = await begin(server, shop)
    const byPassword = { auth_session: started.auth_session, username, password: PASSWORD }
    expect((await step(server, shop, byPassword)).status).toBe(200)
    const requested = await step(server, shop, { username })
    const email_code = await takeCode()
    const byCode = { auth_session: requested.auth_session, email_code }
    expect((await step(server, shop, byCode)).status).toBe(200)
    const { app, auth_session, totp } = await pendingSignIn()
    expect((await step(server, shop, { auth_session, totp })).status).toBe(200)
    const replays = [
      byPassword,
      { ...byPassword, auth_session: requested.auth_session },
      { auth_session, recovery_code: app.recoveryCodes[0] },
    ]
    for (const replay of replays)
      expect(await step(server.anotherIsolate(), shop, replay)).toEqual(INVALID_SESSION)
  })

  it('of parallel uses of one auth_session exactly one continues', async () => {
    const { username } = await server.addUser()
    const { auth_session: started } = await begin(server, shop)
    const password = { auth_session: started, username, password: PASSWORD }
    expect(statusesOf(await atOnce([password, password, password]))).toEqual([200, 400, 400])
    const { app, auth_session, totp } = await pendingSignIn()
    const recovery = app.recoveryCodes.slice(0, 2).map((recovery_code) => ({ auth_session, recovery_code }))
    const replies = await atOnce([{ auth_session, totp }, ...recovery])
    expect(statusesOf(replies)).toEqual([200, 400, 400])
    const { auth_session: named } = await begin(server, shop)
    const requests = await atOnce([
      { auth_session: named, username },
      { auth_session: named, username },
    ])
    expect(requests.filter(({ next }) => next?.includes('email_code'))).toHaveLength(1)
  })

  it('an auth_session of another client, an expired one and any other text are refused', async () => {
    const { auth_session, totp } = await pendingSignIn()
    const other = await server.addClient(STEP_CLIENT)
    expect(await step(server, other, { auth_session, totp })).toEqual(INVALID_SESSION)
    for (const text of ['garbage', 'a.b.c.d.e', `${auth_session}x`])
      expect(await step(server, shop, { auth_session: text, totp })).toEqual(INVALID_SESSION)
    server.clock.time += 600
    expect(await step(server, shop, { auth_session, totp })).toEqual(INVALID_SESSION)
  })

  it('a sign-out, a new password and a disabled account end the sign-in between two steps', async () => {
    const endings = [
      (id: string) => signOutUser(server, id),
      (id: string) => changePassword(server, id, 'none'),
    ]
    for (const end of endings) {
      const { app, auth_session } = await pendingSignIn()
      server.clock.time += 30
      await end(app.user.id)
      server.clock.time += 30
      const totp = await app.codeAt(server.clock.time)
      expect(await step(server, shop, { auth_session, totp })).toEqual(INVALID_SESSION)
    }
    const { app, auth_session, totp } = await pendingSignIn()
    await disableUser(server, app.user.id)
    expect(await step(server, shop, { auth_session, totp })).toMatchObject({ error: 'invalid_grant' })
  })

  it('a client that was disabled or is no longer first-party cannot continue', async () => {
    const { auth_session, totp } = await pendingSignIn()
    await env.DB.prepare('UPDATE clients SET first_party = 0 WHERE client_id = ?').bind(shop.id).run()
    await server.services.clients.renewCopy(shop.id, server.context())
    const isolate = server.anotherIsolate()
    const refused = { status: 400, error: 'unauthorized_client' }
    expect(await step(isolate, shop, { auth_session, totp })).toMatchObject(refused)
    await disableClient(server, shop.id)
    const disabled = { status: 401, error: 'invalid_client' }
    expect(await step(server.anotherIsolate(), shop, { auth_session, totp })).toMatchObject(disabled)
  })
})

describe('a sign-in in steps', () => {
  it('no input skips a step', async () => {
    const { app, auth_session, totp } = await pendingSignIn()
    const other = await addReader()
    const alone = await step(server, shop, { totp })
    expect(alone).toMatchObject({ error: 'insufficient_authorization', next: FIRST })
    expect(await step(server, shop, { email_code: '123456' })).toMatchObject({ next: FIRST })
    for (const input of [
      { username: other.username, password: PASSWORD },
      { username: app.user.username, password: PASSWORD },
      { username: other.username },
      { email_code: '123456' },
    ])
      expect(await step(server, shop, { auth_session, ...input })).toMatchObject({
        status: 400,
        error: 'insufficient_authorization',
        next: SECOND,
      })
    const { auth_session: byMail } = await step(server, shop, { username: other.username })
    expect(await step(server, shop, { auth_session: byMail, totp })).toMatchObject({
      next: [...FIRST, 'email_code'],
    })
  })

  it('a code by mail belongs to its sign-in, and a user with an app also needs the second factor', async () => {
    const app = await enrol(server, await addReader())
    const { username } = app.user
    const mine = await step(server, shop, { username })
    const email_code = await takeCode()
    const foreign = await step(server, shop, { username: (await addReader()).username })
    const wrong = await step(server, shop, { auth_session: foreign.auth_session, email_code })
    expect(wrong).toMatchObject({ error: 'invalid_grant' })
    const next = await step(server, shop, { auth_session: mine.auth_session, email_code })
    expect(next).toMatchObject({ status: 400, next: SECOND })
  })

  it('ten wrong second factors over many sign-ins, isolates and addresses lock the second factor', async () => {
    const { app, auth_session } = await pendingSignIn()
    const wrong = await wrongCode(app, server.clock.time)
    const sessions = [auth_session]
    for (let i = 0; i < 4; i++) {
      const input = { username: app.user.username, password: PASSWORD }
      sessions.push((await step(server, shop, input)).auth_session)
    }
    const replies: ChallengeResponse[] = []
    for (let i = 0; i < 11; i++) {
      const body = challengeOf(shop, { auth_session: sessions[i % sessions.length], totp: wrong })
      const address = { 'CF-Connecting-IP': `198.51.100.${i}` }
      const response = await server.anotherIsolate().postJson(body, address, CHALLENGE_PATH)
      replies.push({ status: response.status, ...(await response.json<object>()) })
    }
    expect(replies.map(({ status }) => status)).toEqual([...Array(9).fill(400), 429, 429])
    const totp = await app.codeAt(server.clock.time)
    expect((await step(server, shop, { auth_session, totp })).status).toBe(429)
    server.clock.time += 60
    const later = await app.codeAt(server.clock.time)
    expect((await step(server, shop, { auth_session, totp: later })).status).toBe(200)
  })

  it('known and unknown names get the same responses and rows', async () => {
    const { username } = await addReader()
    const observe = async (name: string) => {
      const before = await countRows()
      const named = await step(server, shop, { username: name })
      const { auth_session } = named
      const code = await step(server, shop, { auth_session, email_code: '000000' })
      const password = await step(server, shop, { auth_session, password: 'wrong' })
      // The work after a response can add further work.
      await pause(20)
      const rows = (await countRows()).map((count, i) => count - (before[i] ?? 0))
      return { named: { ...named, auth_session: auth_session?.length }, code, password, rows }
    }
    // The first request also writes the rows of the pool and of the client.
    await observe(`${crypto.randomUUID()}@example.com`)
    const known = await observe(username)
    expect(await observe(`${crypto.randomUUID()}@example.com`)).toEqual(known)
    const wrong = { status: 400, error: 'invalid_grant' }
    expect(known).toMatchObject({ named: { next: [...FIRST, 'email_code'] }, code: wrong, password: wrong })
  })

  it('a step waits for at most two calls to stores, and unknown names wait as long as known ones', async () => {
    const { username } = await addReader()
    const { app, auth_session, totp } = await pendingSignIn()
    const started = await begin(server, shop)
    const named = await step(server, shop, { username })
    const email_code = await takeCode()
    const unknown = await begin(server, shop)
    const stores = new FarStores()
    const isolate = new TestServer({
      config: CONFIG,
      clock: server.clock,
      env: stores.env,
      mails: server.mails,
    })
    const time = new PassingTime(stores)
    const waitsOf = async (input: Record<string, unknown>): Promise<[number, number]> => {
      const headers = { 'Content-Type': 'application/json' }
      const body = JSON.stringify(challengeOf(shop, input))
      const before = time.elapsedMs
      const request = new Request(ISSUER + CHALLENGE_PATH, { method: 'POST', headers, body })
      const response = await time.during(isolate.answer(request))
      const waits = time.elapsedMs - before
      await time.during(isolate.settle())
      return [response.status, waits]
    }
    await waitsOf({})
    const steps = {
      start: await waitsOf({}),
      known: await waitsOf({ auth_session: started.auth_session, username }),
      unknown: await waitsOf({ auth_session: unknown.auth_session, username: 'nobody@example.com' }),
      code: await waitsOf({ auth_session: named.auth_session, email_code }),
      password: await waitsOf({ username, password: PASSWORD }),
      continued: await waitsOf({
        auth_session: (await begin(server, shop)).auth_session,
        username: app.user.username,
        password: PASSWORD,
      }),
      wrongTotp: await waitsOf({ auth_session, totp: await wrongCode(app, server.clock.time) }),
      totp: await waitsOf({ auth_session, totp }),
      wrong: await waitsOf({ username, password: 'wrong' }),
      nobody: await waitsOf({ username: 'nobody@example.com', password: 'wrong' }),
    }
    expect(steps).toEqual({
      start: [400, 0],
      known: [400, 2],
      unknown: [400, 2],
      code: [200, 2],
      password: [200, 1],
      continued: [400, 2],
      wrongTotp: [400, 2],
      totp: [200, 2],
      wrong: [400, 2],
      nobody: [400, 2],
    })
  })
})
