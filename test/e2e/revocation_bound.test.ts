import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RealServers } from '../support/real_servers.ts'
import { revoke, signIn, statusAt, type Tokens } from '../support/token_client.ts'

// The token service and the APIs run as in production, each in its own workerd. The test measures the bounds
// that docs/sessions.md states; only an HTTP cache between them is missing.

const ASK_EVERY_MS = 250
const HOLD_MS = 3000
/** An isolate and an HTTP cache keep the list this long, or as long as the interval of the poll if that is shorter. */
const CACHE_SECONDS = 5
/** After a pause of one and a half polls, the verifier waits for the list before it decides. */
const OVERDUE_SECONDS = 16

let servers: RealServers

beforeAll(async () => {
  servers = await RealServers.start()
})

afterAll(() => servers.close())

interface Observation {
  askedAt: number
  status: number
}

/** Sends a request every 250 ms, without waiting for the last response, until it is stopped. */
function sendSteadily(url: string, tokens: Tokens) {
  const responses: Promise<Observation>[] = []
  const ask = async () => ({ askedAt: Date.now(), status: await statusAt(url, tokens.access_token) })
  const timer = setInterval(() => responses.push(ask()), ASK_EVERY_MS)
  async function stop(): Promise<Observation[]> {
    clearInterval(timer)
    return Promise.all(responses)
  }
  return { stop, last: () => responses.at(-1) }
}

async function untilRefused(asking: ReturnType<typeof sendSteadily>, withinSeconds: number): Promise<void> {
  const end = Date.now() + withinSeconds * 1000
  while (Date.now() < end && (await asking.last())?.status !== 401) await sleep(ASK_EVERY_MS)
}

/** The maximum delay: the poll, and the age of the list on arrival. */
function boundSecondsOf(pollSeconds: number): number {
  return pollSeconds + 2 * Math.min(pollSeconds, CACHE_SECONDS)
}

function statuses(responses: readonly Observation[]): number[] {
  return [...new Set(responses.map(({ status }) => status))]
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** Printed for a passed and for a failed test. */
function report(measured: string): void {
  process.stdout.write(`measured: ${measured}\n`)
}

/** Makes the service read its list, which it then keeps for the maximum time. */
async function untilListIsNew(issuer: string): Promise<void> {
  while ((await fetch(`${issuer}/revocations`)).headers.get('Age') !== '0') await sleep(ASK_EVERY_MS)
}

/** @param revokedAfterSeconds The age of the API at the revocation, which decides how long the token is accepted. */
async function measure(pollSeconds: number, revokedAfterSeconds: number) {
  const { issuer } = servers.service.config
  const [api, revoked, other] = await Promise.all([
    servers.startApi(pollSeconds),
    signIn(issuer),
    signIn(issuer),
  ])
  const asking = sendSteadily(`${api.origin}/cart`, revoked)
  const askingForOther = sendSteadily(`${api.origin}/cart`, other)
  await sleep(revokedAfterSeconds * 1000)
  await untilListIsNew(issuer)
  const revokedAt = Date.now()
  await revoke(issuer, revoked.refresh_token)
  await untilRefused(asking, boundSecondsOf(pollSeconds) + 5)
  await sleep(HOLD_MS)
  return { revokedAt, responses: await asking.stop(), others: await askingForOther.stop() }
}

/** Sends requests, and revokes the token right after the service has read its list. */
async function expectRefusalWithinBound(pollSeconds: number, revokedAfterSeconds: number): Promise<void> {
  const { revokedAt, responses, others } = await measure(pollSeconds, revokedAfterSeconds)
  const first = responses.findIndex(({ status }) => status === 401)
  const lifeMs = (responses[first]?.askedAt ?? Number.POSITIVE_INFINITY) - revokedAt
  report(`an API that polls every ${pollSeconds} s refuses ${seconds(lifeMs)} after the revocation`)
  expect(lifeMs).toBeGreaterThan(0)
  expect(lifeMs).toBeLessThanOrEqual(boundSecondsOf(pollSeconds) * 1000)
  expect(statuses(responses.slice(0, first))).toEqual([200])
  expect(statuses(responses.slice(first))).toEqual([401])
  expect(statuses(others)).toEqual([200])
}

describe('a revoked token', () => {
  it('an API that polls every second refuses the token within the bound, and other sessions continue', async () => {
    await expectRefusalWithinBound(1, 3)
  })

  it.concurrent('an API with the default poll refuses the token within the bound, and other sessions continue', async () => {
    // The revocation is between the first and the second poll, and the second poll gets the old list.
    await expectRefusalWithinBound(10, 6)
  })

  it.concurrent('an API refuses the token at once by introspection, and after a pause at its next request', async () => {
    const { issuer } = servers.service.config
    const [api, revoked, other] = await Promise.all([servers.startApi(10), signIn(issuer), signIn(issuer)])
    const [url, immediate] = [`${api.origin}/cart`, `${api.origin}/payment`]
    expect(await statusAt(url, revoked.access_token)).toBe(200)
    expect(await statusAt(immediate, revoked.access_token)).toBe(200)
    await revoke(issuer, revoked.refresh_token)
    expect(await statusAt(immediate, revoked.access_token)).toBe(401)
    expect(await statusAt(immediate, other.access_token)).toBe(200)
    await sleep(OVERDUE_SECONDS * 1000)
    const askedAt = Date.now()
    expect(await statusAt(url, revoked.access_token)).toBe(401)
    report(
      `the first request after ${OVERDUE_SECONDS} s waits ${seconds(Date.now() - askedAt)} and is refused`,
    )
    expect(await statusAt(url, other.access_token)).toBe(200)
  })
})
