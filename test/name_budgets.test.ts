import { beforeEach, describe, expect, it } from 'vitest'
import { forget } from './support/account_links.ts'
import { authorizeUrl, CODE_CLIENT, signInAt } from './support/authorize.ts'
import { budgetOf } from './support/burst_budget.ts'
import { CHALLENGE_PATH, type ChallengeResponse, challengeOf, STEP_CLIENT } from './support/challenge.ts'
import { MAIL } from './support/mail_sink.ts'
import { addReader, setAddress } from './support/mailed_codes.ts'
import { PageBrowser } from './support/page_browser.ts'
import { emptyStores, ISSUER, type TestClient, TestServer } from './support/server.ts'
import { disableUser } from './support/sign_out.ts'

const HERE = { 'CF-Connecting-IP': '203.0.113.1' }

/** The budget of one name and one IP address. */
const SIGN_INS = 6

/** More than half of the budget, so that requests and tries together exceed it. */
const REPEATS = 4

let server: TestServer
let page: TestClient
let shop: TestClient

beforeEach(async () => {
  await emptyStores()
  const customers = { email_code: 'sign_in', self_service: true, sign_up: true }
  server = new TestServer({
    config: { mail: MAIL, accounts: { customers }, sign_in_limits: { address: { failures: 1000 } } },
    env: { SIGN_IN_LIMIT: budgetOf(SIGN_INS), GUESS_LIMIT: budgetOf(1000) },
  })
  page = await server.addClient(CODE_CLIENT)
  shop = await server.addClient(STEP_CLIENT)
})

/** Names with an account that gets mails, with an account that gets none, and without an account. */
async function addNames(): Promise<string[]> {
  const [byUsername, byAddress, disabled, unverified] = [
    await addReader(server),
    await addReader(server),
    await addReader(server),
    await addReader(server),
  ]
  await disableUser(server, disabled.id)
  await setAddress(unverified.id, unverified.email, false)
  return [byUsername.username, byAddress.email, disabled.username, unverified.username, 'x', 'x@shop.test']
}

/** A browser with an IP address. */
const browserHere = () =>
  new PageBrowser((request) => {
    for (const [name, value] of Object.entries(HERE)) request.headers.set(name, value)
    return request.url.startsWith(`${ISSUER}/`) ? server.send(request) : Promise.resolve(new Response('shop'))
  })

async function openSignIn(): Promise<PageBrowser> {
  const browser = browserHere()
  await browser.open(authorizeUrl(page))
  return browser
}

async function step(changes: Record<string, unknown>): Promise<ChallengeResponse> {
  const response = await server.postJson(challengeOf(shop, changes), HERE, CHALLENGE_PATH)
  return { status: response.status, ...(await response.json<object>()) }
}

async function repeat(times: number, send: () => Promise<{ status: number }>): Promise<number[]> {
  const statuses = []
  for (let i = 0; i < times; i++) statuses.push((await send()).status)
  return statuses
}

/** Each function sends requests and tries of one name, and returns the statuses of the responses. */
const WAYS: readonly [string, (name: string) => Promise<number[]>][] = [
  [
    'codes by mail on the sign-in page',
    async (name) => {
      let browser = await openSignIn()
      const requests = await repeat(REPEATS, async () => {
        browser = await openSignIn()
        return browser.press('Email me a code', { Username: name })
      })
      const form = browser.page
      const tries = await repeat(REPEATS, () => {
        browser.show(form)
        return browser.press('Sign in', { '6-digit code': '000000' })
      })
      return [...requests, ...tries]
    },
  ],
  [
    'codes by mail of a sign-in in steps',
    async (name) => {
      let auth_session: string | undefined
      const requests = await repeat(REPEATS, async () => {
        const reply = await step({ username: name })
        auth_session = reply.auth_session
        return reply
      })
      return [...requests, ...(await repeat(REPEATS, () => step({ auth_session, email_code: '000000' })))]
    },
  ],
  ['a forgotten password', (name) => repeat(2 * REPEATS, () => forget(server, name, browserHere()))],
]

describe('the budgets of a name', () => {
  it.each(WAYS)('%s: the responses above the budget are the same for every name', async (_way, send) => {
    const seen = new Map<string, number[]>()
    for (const name of await addNames()) seen.set(name, await send(name))
    const [first = []] = seen.values()
    expect(Object.fromEntries(seen)).toEqual(
      Object.fromEntries([...seen.keys()].map((name) => [name, first])),
    )
    expect(first).toContain(429)
  })

  it('a sign-up has the same responses above the budget for a free and for a taken address', async () => {
    const taken = await addReader(server)
    const seen = []
    for (const address of [taken.email, 'free@shop.test']) {
      let auth_session: string | undefined
      const requests = await repeat(REPEATS, async () => {
        const reply = await step({ prompt: 'create', username: address })
        auth_session = reply.auth_session
        return reply
      })
      seen.push([...requests, ...(await repeat(REPEATS, () => step({ auth_session, email_code: '000000' })))])
    }
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).toContain(429)
  })

  it('passwords have the same responses above the budget for a known and for an unknown name', async () => {
    const { username } = await addReader(server)
    const seen = []
    for (const name of [username, 'x']) {
      const pages = await repeat(REPEATS, async () =>
        signInAt(await openSignIn(), name, 'a wrong passphrase'),
      )
      const steps = await repeat(REPEATS, () => step({ username: name, password: 'a wrong passphrase' }))
      seen.push([...pages, ...steps])
    }
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).toContain(429)
  })

  it('the tries of a username use no budget of the address of the account', async () => {
    const { username, email } = await addReader(server)
    for (const name of [username, email]) {
      const { auth_session } = await step({ username: name })
      const tries = await repeat(SIGN_INS, () => step({ auth_session, email_code: '000000' }))
      expect([name, tries]).toEqual([name, [...Array(SIGN_INS - 1).fill(400), 429]])
    }
  })
})
