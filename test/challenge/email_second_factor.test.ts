import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { exchangeOf } from '../support/authorize.ts'
import {
  CHALLENGE_PATH,
  type ChallengeResponse,
  challengeOf,
  STEP_CLIENT,
  step,
} from '../support/challenge.ts'
import { FarStores } from '../support/far_stores.ts'
import { MAIL } from '../support/mail_sink.ts'
import { addReader, setAddress, takeCodes, takesCode, wrongOf } from '../support/mailed_codes.ts'
import { PassingTime } from '../support/passing_time.ts'
import { enrol } from '../support/second_factor.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { signOutUser } from '../support/sign_out.ts'

const CONFIG = {
  mail: MAIL,
  accounts: { customers: { email_code: 'second_factor', second_factor: 'required' } },
}
const MORE = {
  status: 400,
  error: 'insufficient_authorization',
  error_description: 'Send one of the inputs in next.',
  auth_session: expect.any(String),
}
const WRONG = { status: 400, error: 'invalid_grant' }
const INVALID_SESSION = { status: 400, error: 'invalid_session' }

let server: TestServer
let shop: TestClient

beforeEach(async () => {
  await emptyStores()
  server = new TestServer({ config: CONFIG })
  shop = await server.addClient(STEP_CLIENT)
})

/** A sign-in that waits for the code in a mail. */
async function pendingSignIn(user?: { username: string }) {
  const { username } = user ?? (await addReader(server))
  const { auth_session } = await step(server, shop, { username, password: PASSWORD })
  const [email_code = ''] = await takeCodes(server)
  return { auth_session, email_code }
}

async function claimsOf({ authorization_code: code }: ChallengeResponse) {
  const tokens = await server.requireTokens(exchangeOf(shop, code ?? '', { redirect_uri: undefined }))
  return decodeJwt(tokens.access_token)
}

describe('a code by mail as the second factor of a sign-in in steps', () => {
  it('only the right password sends the code, and the code finishes the sign-in with two factors', async () => {
    const user = await addReader(server)
    const { username } = user
    expect(await step(server, shop, { username })).toMatchObject({ ...MORE, next: ['username', 'password'] })
    expect(await step(server, shop, { username, password: 'wrong' })).toMatchObject(WRONG)
    expect(await server.takeMails()).toEqual([])
    const asked = await step(server, shop, { username, password: PASSWORD, ui_locales: 'de' })
    expect(asked).toEqual({ ...MORE, next: ['email_code'] })
    const [mail, ...others] = await server.takeMails()
    expect(mail).toMatchObject({ to: user.email, subject: expect.stringContaining('Code') })
    expect(others).toEqual([])
    const { auth_session } = asked
    const email_code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0] ?? ''
    expect(await step(server, shop, { auth_session, email_code: wrongOf(email_code) })).toMatchObject(WRONG)
    const claims = await claimsOf(await step(server, shop, { auth_session, email_code }))
    expect(claims).toMatchObject({ sub: user.id, amr: ['pwd', 'otp', 'mfa'], acr: 'urn:sallyport:2' })
    const [failure] = await auditOf({ kind: 'sign_in_failure', reason: 'wrong second factor' })
    expect(failure).toMatchObject({ subject: user.id, client_id: shop.id })
    const [event] = await auditOf({ kind: 'step_sign_in', subject: user.id })
    expect(event).toMatchObject({ outcome: 'ok', client_id: shop.id })
  })

  it('a code works once, in its own sign-in, until a sign-out or a change of the address', async () => {
    const user = await addReader(server)
    const mine = await pendingSignIn(user)
    const other = await pendingSignIn(user)
    const foreign = { auth_session: other.auth_session, email_code: mine.email_code }
    expect(await step(server, shop, foreign)).toMatchObject(WRONG)
    const isolates = [mine, mine, mine].map((input) => step(server.anotherIsolate(), shop, input))
    const statuses = (await Promise.all(isolates)).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 400, 400])
    expect((await step(server, shop, mine)).error).toMatch(/^invalid_(grant|session)$/)
    await setAddress(user.id, 'new@example.com', true)
    expect(await step(server, shop, other)).toMatchObject(WRONG)
    const later = await pendingSignIn(user)
    server.clock.time += 30
    await signOutUser(server, user.id)
    expect(await step(server, shop, later)).toMatchObject(INVALID_SESSION)
  })

  it('a user with an app gets no mail, and a user without a verified address continues in a browser', async () => {
    const app = await enrol(server, await addReader(server))
    await server.takeMails()
    const input = { username: app.user.username, password: PASSWORD }
    expect(await step(server, shop, input)).toEqual({ ...MORE, next: ['totp', 'recovery_code'] })
    const { username } = await server.addUser()
    expect(await step(server, shop, { username, password: PASSWORD })).toMatchObject({
      error: 'redirect_to_web',
    })
    expect(await takesCode(server)).toBe(false)
  })

  it('ten wrong codes over several sign-ins lock the second factor of the account', async () => {
    const user = await addReader(server)
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) {
      const { auth_session, email_code } = await pendingSignIn(user)
      for (let n = 1; n <= 4; n++) {
        const body = challengeOf(shop, { auth_session, email_code: wrongOf(email_code, n) })
        const address = { 'CF-Connecting-IP': `198.51.100.${i * 4 + n}` }
        statuses.push((await server.anotherIsolate().postJson(body, address, CHALLENGE_PATH)).status)
      }
    }
    expect(statuses).toEqual([...Array(9).fill(400), 429, 429, 429])
    expect((await pendingSignIn(user)).email_code).toBe('')
  })

  it('the password grant of a user with a code by mail sends the code and gives an auth_session', async () => {
    const user = await addReader(server)
    const { username } = user
    const grantOf = async (client: TestClient) => {
      const grant = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
      const response = await server.postJson(grant)
      return { status: response.status, ...(await response.json<Omit<ChallengeResponse, 'status'>>()) }
    }
    const page = await server.addClient({ ...STEP_CLIENT, confidential: false })
    expect(Object.keys(await grantOf(page))).toEqual(['status', 'error', 'error_description'])
    await server.takeMails()
    const { status, auth_session } = await grantOf(shop)
    expect(status).toBe(403)
    const email_code = (await takeCodes(server)).find((code) => /^\d{6}$/.test(code))
    expect(await step(server, shop, { auth_session })).toMatchObject({ next: ['email_code'] })
    const claims = await claimsOf(await step(server, shop, { auth_session, email_code }))
    expect(claims).toMatchObject({ sub: user.id, amr: ['pwd', 'otp', 'mfa'] })
  })

  it('each step waits for at most two calls to stores', async () => {
    const user = await addReader(server)
    const pending = await pendingSignIn(user)
    const { auth_session } = await step(server, shop)
    const stores = new FarStores()
    const { clock, mails } = server
    const isolate = new TestServer({ config: CONFIG, clock, mails, env: stores.env })
    const time = new PassingTime(stores)
    const waitsOf = async (input: Record<string, unknown>, path = CHALLENGE_PATH) => {
      const headers = { 'Content-Type': 'application/json' }
      const body = JSON.stringify(challengeOf(shop, input))
      const before = time.elapsedMs
      const request = new Request(ISSUER + path, { method: 'POST', headers, body })
      const { status } = await time.during(isolate.answer(request))
      const waits = time.elapsedMs - before
      await time.during(isolate.settle())
      return [status, waits]
    }
    await waitsOf({})
    const password = { username: user.username, password: PASSWORD }
    expect({
      password: await waitsOf({ auth_session, ...password }),
      wrong: await waitsOf({ ...pending, email_code: wrongOf(pending.email_code) }),
      code: await waitsOf(pending),
      grant: await waitsOf({ grant_type: 'password', ...password }, '/oauth2-token'),
    }).toEqual({ password: [400, 2], wrong: [400, 1], code: [200, 2], grant: [403, 2] })
  })
})
