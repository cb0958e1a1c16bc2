import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { exchangeOf } from '../support/authorize.ts'
import { beginAccount, type ChallengeResponse, STEP_CLIENT, step } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

const CONFIG = { mail: MAIL, accounts: { customers: { sign_up: true, email_code: 'sign_in' } } }
const VISITOR = 'visitor@example.com'
const CREATE = { prompt: 'create' }

let server: TestServer
let shop: TestClient

beforeEach(async () => {
  await emptyStores()
  server = new TestServer({ config: CONFIG })
  shop = await server.addClient(STEP_CLIENT)
})

const countUsers = () => env.DB.prepare('SELECT count(*) AS n FROM users').first<number>('n')
const shapeOf = ({ auth_session, ...reply }: ChallengeResponse) => ({
  ...reply,
  length: auth_session?.length,
})

describe('a sign-up in steps', () => {
  it('a visitor proves the address, sets a password and gets tokens, and the guest is merged', async () => {
    const guest = await server.signIn(shop, 'guest', 'guest')
    const first = await step(server, shop, { ...CREATE, visitor_access_token: guest.access_token })
    expect(first).toMatchObject({ status: 400, error: 'insufficient_authorization', next: ['username'] })
    const named = await step(server, shop, {
      auth_session: first.auth_session,
      username: 'Visitor@Example.com',
    })
    expect(named).toMatchObject({ status: 400, next: ['username', 'email_code'] })
    const [mail] = await server.takeMails()
    expect(mail?.to).toBe(VISITOR)
    const email_code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0]
    const proven = await step(server, shop, { auth_session: named.auth_session, email_code })
    expect([proven.next, await countUsers()]).toEqual([['password', 'name'], 0])
    const { auth_session } = proven
    const refused = await step(server, shop, { auth_session, password: 'short' })
    expect(refused).toEqual({
      status: 400,
      error: 'refused_password',
      error_description: 'The password is too short or too long.',
    })
    const done = await step(server, shop, { auth_session, password: PASSWORD, name: 'Ann' })
    const code = done.authorization_code ?? ''
    const tokens = await server.requireTokens(exchangeOf(shop, code, { redirect_uri: undefined }))
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      visitor_id: decodeJwt(guest.access_token).sub,
      amr: ['pwd'],
      acr: 'urn:sallyport:1',
    })
    expect((await server.signIn(shop, VISITOR)).token_type).toBe('Bearer')
    const replay = await step(server, shop, { auth_session, password: PASSWORD })
    expect([replay.error, await countUsers()]).toEqual(['invalid_grant', 1])
  })

  it('a taken address gets the same responses as a free one, and no code is right', async () => {
    await server.addUser({ username: VISITOR })
    const shapes = []
    for (const username of [VISITOR, 'another@example.com']) {
      const named = await step(server, shop, { ...CREATE, username })
      const wrong = await step(server, shop, { auth_session: named.auth_session, email_code: '000000' })
      shapes.push([shapeOf(named).next, shapeOf(named).status, shapeOf(wrong)])
    }
    expect(shapes[0]).toEqual(shapes[1])
    const [told] = await server.takeMails()
    expect([told?.to, /\b\d{6}\b/.test(told?.text ?? '')]).toEqual([VISITOR, false])
  })

  it('of two sign-ups with one address one creates the account', async () => {
    const [one, two] = [await beginAccount(server, shop, VISITOR), await beginAccount(server, shop, VISITOR)]
    const create = ({ auth_session }: ChallengeResponse) =>
      step(server.anotherIsolate(), shop, { auth_session, password: PASSWORD })
    const replies = await Promise.all([create(one), create(two), create(two)])
    expect([replies.map(({ status }) => status).sort(), await countUsers()]).toEqual([[200, 400, 400], 1])
  })

  it('no input skips the proof of the address, and prompt=create needs sign-up in the pool', async () => {
    const first = await step(server, shop, { ...CREATE, username: VISITOR })
    const { auth_session } = first
    expect(await step(server, shop, { auth_session, password: PASSWORD })).toMatchObject({
      error: 'insufficient_authorization',
      next: ['username', 'email_code'],
    })
    const other = await step(server, shop, { ...CREATE, username: 'not an address' })
    expect(other).toMatchObject({ error: 'invalid_grant' })
    const proven = await beginAccount(server, shop, VISITOR)
    const closed = new TestServer({ config: { mail: MAIL }, clock: server.clock })
    expect(await step(closed, shop, CREATE)).toMatchObject({ status: 400, error: 'invalid_request' })
    const late = { auth_session: proven.auth_session, password: PASSWORD }
    expect(await step(closed, shop, late)).toMatchObject({ error: 'invalid_session' })
    expect(await countUsers()).toBe(0)
  })
})
