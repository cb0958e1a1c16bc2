import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import type { ServiceServer } from '../../scripts/worker_server.ts'
import { compact } from '../../src/lib/compact.ts'
import { isObjectName } from '../../src/sessions/object_name.ts'
import { shardNameOf } from '../../src/sessions/sid.ts'
import { KillableService } from '../support/killable_service.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { CUSTOMER, GUEST, requestTokens } from '../support/token_client.ts'

// The service runs in its own workerd, with D1 and KV on disk. The test kills it without warning and
// starts it again on the same files.

const CLIENTS = 16
const KILLS = 3
const LOAD_MS = 1500
const TRY_AGAIN_MS = 50

/** The sessions whose clients revoke them when the service is killed. */
const ENDED = 12

/** An object sends a session that ended to the feed within 5 s after its start. */
const FEED_WAIT = { timeout: 30_000, interval: 500 }

/** The longest time after the first try in which a retry may succeed. */
const RETRY_WINDOW_MS = 60_000

interface RefreshToken {
  sid: string
  seq: number
  jti: string
}

/** The stores of sessions, and the keys of config.yml that select them. */
const STORES = [
  { store: 'D1', keys: {} },
  { store: 'session objects', keys: { session_objects: { per_market: 2 } } },
]

let killable: KillableService
let service: ServiceServer

/** Starts a service with new stores. */
async function startAnew(keys: Record<string, unknown>): Promise<void> {
  killable = await KillableService.start(configureBundle(await serviceBundle(), keys))
  service = killable.service
}

/** The holder of a session, who refreshes it and keeps the last refresh token received. */
class Refresher {
  readonly #credentials: Record<string, string>
  #token: string
  #isRunning = true
  /** The number of responses for each seq. */
  readonly seen = new Map<number, string>()
  /** The number of tries without a response. */
  unanswered = 0

  constructor(token: string, { client_id, client_secret }: { client_id: string; client_secret?: string }) {
    this.#token = token
    this.#credentials = compact({ client_id, client_secret })
  }

  get current(): RefreshToken {
    return decodeJwt<RefreshToken>(this.#token)
  }

  /** Refreshes repeatedly until it is stopped; the last refresh has a response. */
  async run(): Promise<void> {
    this.#isRunning = true
    while (this.#isRunning) await this.refresh()
  }

  stop(): void {
    this.#isRunning = false
  }

  /** Retries with the present token until it has a successor. */
  async refresh(): Promise<void> {
    const end = Date.now() + RETRY_WINDOW_MS
    while (Date.now() < end) {
      const answer = await this.#post()
      if (answer === null) {
        this.unanswered++
        await sleep(TRY_AGAIN_MS)
        continue
      }
      this.#learn(answer)
      return
    }
    throw new Error('no response within the retry window')
  }

  /** Null without a response, or for a 503. */
  async #post(): Promise<string | null> {
    const form = { grant_type: 'refresh_token', refresh_token: this.#token, ...this.#credentials }
    try {
      const init = { method: 'POST', body: new URLSearchParams(form) }
      const response = await fetch(`${service.origin}/oauth2-token`, init)
      const text = await response.text()
      if (response.status === 503) return null
      if (!response.ok) throw new Refusal(`${response.status} ${text}`)
      return JSON.parse(text).refresh_token
    } catch (error) {
      if (error instanceof Refusal) throw error
      return null
    }
  }

  #learn(token: string): void {
    const { current } = this
    this.#token = token
    const { sid, seq, jti } = this.current
    expect([sid, seq]).toEqual([current.sid, current.seq + 1])
    expect(this.seen.get(seq) ?? jti).toBe(jti)
    this.seen.set(seq, jti)
  }
}

class Refusal extends Error {}

/** The rows of sessions in the store that their sids name. */
async function readSessions(sids: readonly string[]): Promise<unknown[]> {
  const rows = await Promise.all(sids.map(readSession))
  return rows.flat()
}

async function readSession(sid: string): Promise<unknown[]> {
  const { DB, SESSION_OBJECTS } = service.stores
  const sql = 'SELECT sid, seq, ended_at FROM sessions WHERE sid = ?'
  const name = shardNameOf(sid)
  if (!isObjectName(name)) return (await DB.prepare(sql).bind(sid).all()).results
  const answer = await SESSION_OBJECTS?.getByName(name).run({ statements: [{ sql, values: [sid] }] })
  return answer?.results[0]?.results ?? []
}

async function signInEveryone(): Promise<Refresher[]> {
  const { issuer } = service.config
  return Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const who = i % 2 === 0 ? GUEST : CUSTOMER
      return new Refresher((await requestTokens(issuer, who)).refresh_token, who)
    }),
  )
}

/** @returns the time without a server, in milliseconds */
async function killAndRestart(): Promise<number> {
  const elapsedMs = await killable.killAndRestart()
  service = killable.service
  return elapsedMs
}

/** The number of audit events of each kind. */
async function countEvents(): Promise<Record<string, number>> {
  const select = 'SELECT kind, count(*) AS events FROM audit_events GROUP BY kind'
  const { results } = await service.stores.DB.prepare(select).all<{ kind: string; events: number }>()
  return Object.fromEntries(results.map(({ kind, events }) => [kind, events]))
}

describe.each(STORES)('a service with sessions in $store', ({ keys }) => {
  beforeAll(() => startAnew(keys))
  afterAll(() => service.close())

  it('no user is signed out and no session is doubled when the service is killed repeatedly', async () => {
    const refreshers = await signInEveryone()
    const runs = refreshers.map((refresher) => refresher.run())
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(LOAD_MS)
      expect(await killAndRestart()).toBeLessThan(RETRY_WINDOW_MS)
    }
    await sleep(LOAD_MS)
    for (const refresher of refreshers) refresher.stop()
    await Promise.all(runs)
    await Promise.all(refreshers.map((refresher) => refresher.refresh()))
    const results = await readSessions(refreshers.map(({ current }) => current.sid))
    const expected = refreshers.map(({ current: { sid, seq } }) => ({ sid, seq, ended_at: null }))
    expect(results).toHaveLength(CLIENTS)
    expect(results).toEqual(expect.arrayContaining(expected))
    // Each kill interrupted a request of each holder.
    for (const { unanswered } of refreshers) expect(unanswered).toBeGreaterThanOrEqual(KILLS)
    const { theft, refresh_refused, retry = 0 } = await countEvents()
    expect([theft, refresh_refused]).toEqual([undefined, undefined])
    const refreshes = refreshers.reduce((sum, { current }) => sum + current.seq, 0)
    process.stdout.write(`measured: ${KILLS} kills, ${refreshes} refreshes, ${retry} answers that got lost\n`)
  })

  it('the revocation feed gets each session that ended before or while the service was killed', async () => {
    const { issuer } = service.config
    const sessions = await Promise.all(Array.from({ length: ENDED }, () => requestTokens(issuer, CUSTOMER)))
    let answered = 0
    const endings = sessions.map(async ({ refresh_token }) => {
      await endSession(refresh_token)
      answered++
    })
    // Some revocations have a response when the process ends, and some have none.
    await vi.waitFor(() => expect(answered).toBeGreaterThanOrEqual(ENDED / 3), { interval: 1 })
    await killAndRestart()
    await Promise.all(endings)
    const sids = sessions.map(({ refresh_token }) => decodeJwt<RefreshToken>(refresh_token).sid)
    const rows = (await readSessions(sids)) as { sid: string; ended_at: number | null }[]
    const ended = rows.filter(({ ended_at }) => ended_at !== null).map(({ sid }) => sid)
    expect(ended.length).toBeGreaterThan(0)
    await vi.waitFor(
      async () => expect(await listCutoffs()).toEqual(expect.arrayContaining(ended)),
      FEED_WAIT,
    )
    process.stdout.write(`measured: ${ended.length} of ${ENDED} sessions ended before the kill\n`)
  })
})

/** Ends a session. A lost response is ignored. */
async function endSession(token: string): Promise<void> {
  const { client_id, client_secret } = CUSTOMER
  const form = compact({ token, client_id, client_secret })
  const init = { method: 'POST', body: new URLSearchParams(form) }
  await fetch(`${service.origin}/oauth2-token/revoke`, init).catch(() => {})
}

/** The sids in the revocation feed. */
async function listCutoffs(): Promise<string[]> {
  const select = "SELECT value FROM cutoffs WHERE kind = 'sid'"
  const { results } = await service.stores.DB.prepare(select).all<{ value: string }>()
  return results.map(({ value }) => value)
}
