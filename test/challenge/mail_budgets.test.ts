import { beforeEach, describe, expect, it } from 'vitest'
import { accountApi } from '../support/account_api.ts'
import { authorizeUrl } from '../support/authorize.ts'
import { CHALLENGE_PATH, challengeOf, STEP_CLIENT } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { addReader } from '../support/mailed_codes.ts'
import { PageBrowser } from '../support/page_browser.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

/** The IP address of the back end of each shop. */
const HERE = { 'CF-Connecting-IP': '203.0.113.1' }
const SENDER = 2
const CLIENT = 4

let server: TestServer
let shop: TestClient

function serverWith(customers: Record<string, unknown>): TestServer {
  const budgets = { sender: SENDER, client: CLIENT }
  return new TestServer({ config: { mail: { ...MAIL, budgets }, accounts: { customers } } })
}

beforeEach(async () => {
  await emptyStores()
  server = serverWith({ email_code: 'sign_in', self_service: true })
  shop = await server.addClient(STEP_CLIENT)
})

const post = (path: string, body: Record<string, unknown>) => server.postJson(body, HERE, path)

/** Requests a mail for each of some users. @returns the number of mails */
async function request(send: (username: string) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < CLIENT + 2; i++) {
    await send((await addReader(server)).username)
    await server.settle()
  }
  return (await server.takeMails()).length
}

const requestCode = (client: TestClient) => (username: string) =>
  post(CHALLENGE_PATH, challengeOf(client, { username }))

const requestOnPage = (client: TestClient) => async (username: string) => {
  const browser = new PageBrowser((sent) => {
    for (const [name, value] of Object.entries(HERE)) sent.headers.set(name, value)
    return server.send(sent)
  })
  await browser.open(authorizeUrl(client))
  return browser.press('Email me a code', { Username: username })
}

describe('the mails that a back end requests', () => {
  it('a client with a secret requests mails beyond the budget of its IP address', async () => {
    expect(await request(requestCode(shop))).toBe(CLIENT)
    expect(await request(requestCode(await server.addClient(STEP_CLIENT)))).toBe(CLIENT)
  })

  it('links to a new password use the same budget', async () => {
    const reset = (username: string) =>
      post(`${accountApi('customers')}/password-reset`, { ...credentials(shop), username })
    expect([await request(reset), await request(requestCode(shop))]).toEqual([CLIENT, 0])
  })

  it('codes as the second factor after a password use the same budget', async () => {
    server = serverWith({ email_code: 'second_factor', second_factor: 'required' })
    const byPassword = (username: string) =>
      post('/oauth2-token', { grant_type: 'password', ...credentials(shop), username, password: PASSWORD })
    const codes = async () => (await server.takeMails()).filter(({ kind }) => kind === 'email_code').length
    for (let i = 0; i < CLIENT + 2; i++)
      expect((await byPassword((await addReader(server)).username)).status).toBe(403)
    await server.settle()
    expect(await codes()).toBe(CLIENT)
  })

  it('the sign-in page uses the budget of the IP address, and a wrong secret uses none', async () => {
    const guess = { ...shop, secret: 'wrong' }
    expect(await request(requestCode(guess))).toBe(0)
    expect(await request(requestOnPage(shop))).toBe(SENDER)
    expect(await request(requestCode(shop))).toBe(CLIENT)
  })
})
