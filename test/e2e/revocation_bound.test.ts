import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RealServers } from '../support/real_servers.ts'
import { revoke, signIn, statusAt, type Tokens } from '../support/token_client.ts'

// The token service and the APIs run as they would in production, each in a workerd of its own. What is measured here
// is what docs/sessions.md states; only an HTTP cache between the two is missing.

const ASK_EVERY_MS = 250
const HOLD_MS = 3000
/** The age of a list when it comes: 5 s in an isolate and 5 s in an HTTP cache. */
const OLDEST_LIST_SECONDS = 10
/** After a pause of one and a half polls, the verifier waits for the list before it judges. */
const OVERDUE_SECONDS = 16

let servers: RealServers

beforeAll(async () => {
  servers = await RealServers.start()
})

afterAll(() => servers.close())

interface Handler {
  askedAt: number
  status: number
}

/** Asks every 250 ms, whether the last response has come or not, until it is stopped. */
function askSteadily(url: string, tokens: Tokens) {
  const responses: Promise<Handler>[] = []
  const ask = async () => ({ askedAt: Date.now(), status: await statusAt(url, tokens.access_token) })
  const timer = setInterval(() => responses.push(ask()), ASK_EVERY_MS)
  async function stop(): Promise<Handler[]> {
    clearInterval(timer)
    return Promise.all(responses)
  }
  return { stop, last: () => responses.at(-1) }
}

async function untilRefused(asking: ReturnType<typeof askSteadily>, withinSeconds: number): Promise<void> {
  const end = Date.now() + withinSeconds * 1000
  while (Date.now() < end && (await asking.last())?.status !== 401) await sleep(ASK_EVERY_MS)
}

function statuses(responses: readonly Handler[]): number[] {
  return [...new Set(responses.map(({ status }) => status))]
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** Seen whether the test passes or not. */
function report(measured: string): void {
  process.stdout.write(`measured: ${measured}\n`)
}

/** Has the service read its list, which it then keeps for as long as it may. */
async function untilListIsNew(issuer: string): Promise<void> {
  while ((await fetch(`${issuer}/revocations`)).headers.get('Age') !== '0') await sleep(ASK_EVERY_MS)
}

/** @param revokedAfterSeconds When in the API's life the token is revoked: what decides how long it lives on. */
async function measure(pollSeconds: number, revokedAfterSeconds: number) {
  const { issuer } = servers.service.config
  const [api, revoked, other] = await Promise.all([
    servers.startApi(pollSeconds),
    signIn(issuer),
    signIn(issuer),
  ])
  const asking = askSteadily(`${api.origin}/cart`, revoked)
  const askingForOther = askSteadily(`${api.origin}/cart`, other)
  await sleep(revokedAfterSeconds * 1000)
  await untilListIsNew(issuer)
  const revokedAt = Date.now()
  await revoke(issuer, revoked.refresh_token)
  await untilRefused(asking, pollSeconds + OLDEST_LIST_SECONDS + 5)
  await sleep(HOLD_MS)
  return { revokedAt, responses: await asking.stop(), others: await askingForOther.stop() }
}

/** Asks steadily, and has the token revoked right after the service has read its list, which it then keeps. */
async function expectRefusalWithinBound(pollSeconds: number, revokedAfterSeconds: number): Promise<void> {
  const { revokedAt, responses, others } = await measure(pollSeconds, revokedAfterSeconds)
  const first = responses.findIndex(({ status }) => status === 401)
  const lifeMs = (responses[first]?.askedAt ?? Number.POSITIVE_INFINITY) - revokedAt
  report(`an API that polls every ${pollSeconds} s refuses ${seconds(lifeMs)} after the revocation`)
  expect(lifeMs).toBeGreaterThan(0)
  expect(lifeMs).toBeLessThanOrEqual((pollSeconds + OLDEST_LIST_SECONDS) * 1000)
  expect(statuses(responses.slice(0, first))).toEqual([200])
  expect(statuses(responses.slice(first))).toEqual([401])
  expect(statuses(others)).toEqual([200])
}

describe('revoked here, refused there', () => {
  it('by an API that polls every second, from then on, and other sessions go on', async () => {
    await expectRefusalWithinBound(1, 3)
  })

  it.concurrent('by an API as it comes, from then on, and other sessions go on', async () => {
    // Between its first poll and its second, which then brings the list of just before.
    await expectRefusalWithinBound(10, 6)
  })

  it.concurrent('by an API that nobody had asked for a while, at the first request', async () => {
    const { issuer } = servers.service.config
    const [api, revoked, other] = await Promise.all([servers.startApi(10), signIn(issuer), signIn(issuer)])
    const url = `${api.origin}/cart`
    expect(await statusAt(url, revoked.access_token)).toBe(200)
    await revoke(issuer, revoked.refresh_token)
    await sleep(OVERDUE_SECONDS * 1000)
    const askedAt = Date.now()
    expect(await statusAt(url, revoked.access_token)).toBe(401)
    report(
      `the first request after ${OVERDUE_SECONDS} s waits ${seconds(Date.now() - askedAt)} and is refused`,
    )
    expect(await statusAt(url, other.access_token)).toBe(200)
  })
})
