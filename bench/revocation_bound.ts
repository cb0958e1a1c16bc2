import { setTimeout as sleep } from 'node:timers/promises'
import { RealServers } from '../test/support/real_servers.ts'
import { revoke, signIn, statusAt } from '../test/support/token_client.ts'
import { formatTable } from './tables.ts'

/** A way in which an API learns of a revocation. */
interface Mode {
  name: string
  /** The path of `test/e2e/api`. */
  path: '/cart' | '/payment'
  pollSeconds: number
  /** The maximum delay that docs/agents.md states: the poll, and the age of the list in an isolate and in an HTTP cache. */
  boundSeconds: number
}

const MODES: readonly Mode[] = [
  { name: 'poll every 10 s (default)', path: '/cart', pollSeconds: 10, boundSeconds: 20 },
  { name: 'poll every second', path: '/cart', pollSeconds: 1, boundSeconds: 3 },
  { name: 'introspection (`immediate`)', path: '/payment', pollSeconds: 10, boundSeconds: 0 },
]

/** The revocations are spread over several polls. The interval is not a divisor of a poll. */
const REVOCATIONS = 24
const INTERVAL_MS = 1370
const ASK_EVERY_MS = 50
const TIMED_ROUNDS = 200

/** The delays of one mode. */
export interface BoundMeasurement {
  name: string
  boundSeconds: number
  /** For each revocation: from its response to the first refused request, in milliseconds. Sorted. */
  delaysMs: readonly number[]
  /** The median time of a request with a live token, in milliseconds. */
  requestMs: number
}

/** Measures how long APIs accept a revoked token. The service and each API run in their own workerd. */
export async function measureRevocationBound(): Promise<BoundMeasurement[]> {
  const servers = await RealServers.start()
  const { issuer } = servers.service.config
  const origins = new Map<number, string>()
  for (const { pollSeconds } of MODES) {
    if (!origins.has(pollSeconds)) origins.set(pollSeconds, (await servers.startApi(pollSeconds)).origin)
  }
  const urls = MODES.map(({ path, pollSeconds }) => `${origins.get(pollSeconds)}${path}`)
  const delays = await Promise.all(
    Array.from({ length: REVOCATIONS }, async (_, i) => {
      await sleep(i * INTERVAL_MS)
      return measureRevocation(issuer, urls)
    }),
  )
  const times = await timeRequests(urls, (await signIn(issuer)).access_token)
  await servers.close()
  return MODES.map(({ name, boundSeconds }, i) => ({
    name,
    boundSeconds,
    delaysMs: sorted(delays.map((ofModes) => ofModes[i] ?? Number.NaN)),
    requestMs: median(sorted(times.map((ofModes) => ofModes[i] ?? Number.NaN))),
  }))
}

export function formatRevocationBound(measurements: readonly BoundMeasurement[]): string {
  const titles = ['mode', 'maximum', 'median', 'longest', 'a request takes']
  const rows = measurements.map(({ name, boundSeconds, delaysMs, requestMs }) => [
    name,
    boundSeconds === 0 ? 'none' : `${boundSeconds} s`,
    ...[median(delaysMs), delaysMs.at(-1) ?? Number.NaN].map((ms) => `${(ms / 1000).toFixed(2)} s`),
    `${requestMs.toFixed(2)} ms`,
  ])
  return formatTable(titles, rows, 1)
}

/** Revokes a session. @returns The delay of each API in milliseconds */
async function measureRevocation(issuer: string, urls: readonly string[]): Promise<number[]> {
  const tokens = await signIn(issuer)
  for (const url of urls) await requireStatus(url, tokens.access_token, 200)
  await revoke(issuer, tokens.refresh_token)
  const revokedAt = performance.now()
  return Promise.all(urls.map(async (url) => (await firstRefusal(url, tokens.access_token)) - revokedAt))
}

/** @returns The time at which the first refused request was sent, in milliseconds of `performance.now` */
async function firstRefusal(url: string, token: string): Promise<number> {
  for (;;) {
    const askedAt = performance.now()
    const status = await statusAt(url, token)
    if (status === 401) return askedAt
    if (status !== 200) throw new Error(`${url} returned status ${status}`)
    await sleep(ASK_EVERY_MS)
  }
}

/** Sends requests to each API in turn, so that other work on the machine affects all. @returns Rounds of milliseconds */
async function timeRequests(urls: readonly string[], token: string): Promise<number[][]> {
  const rounds: number[][] = []
  for (let i = 0; i < TIMED_ROUNDS; i++) {
    const round: number[] = []
    for (const url of urls) {
      const startedAt = performance.now()
      await requireStatus(url, token, 200)
      round.push(performance.now() - startedAt)
    }
    rounds.push(round)
  }
  return rounds
}

async function requireStatus(url: string, token: string, expected: number): Promise<void> {
  const status = await statusAt(url, token)
  if (status !== expected) throw new Error(`${url} returned status ${status}`)
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b)
}

/** @param ascending Numbers in ascending order. */
function median(ascending: readonly number[]): number {
  return ascending[Math.floor(ascending.length / 2)] ?? Number.NaN
}
