import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { GUEST, requestTokens } from '../support/token_client.ts'

// The service runs in its own workerd, where each request has its own I/O. The refreshes of all clients share calls to one object.

const CLIENTS = 48
const ROUNDS = 8

/** A refresh takes less, also on a busy machine. It includes no deadline of a store (5 s). */
const RESPONSE_MS = 4500

let service: ServiceServer

function refresh(token: string, signal?: AbortSignal): Promise<Response> {
  const form = { grant_type: 'refresh_token', refresh_token: token, client_id: GUEST.client_id }
  const init = { method: 'POST', body: new URLSearchParams(form), ...(signal ? { signal } : {}) }
  return fetch(`${service.origin}/oauth2-token`, init)
}

/** Refreshes, and waits for the response. @returns the next refresh token */
async function refreshNow(token: string): Promise<string> {
  const startedAt = performance.now()
  const response = await refresh(token)
  const body = await response.json()
  expect([response.status, body]).toEqual([200, expect.objectContaining({ token_type: 'Bearer' })])
  expect(performance.now() - startedAt).toBeLessThan(RESPONSE_MS)
  const next = (body as { refresh_token: string }).refresh_token
  expect(decodeJwt(next).seq).toBe(Number(decodeJwt(token).seq) + 1)
  return next
}

/** Refreshes, and disconnects after a time. @returns whether the response came before */
async function hangUp(token: string, afterMs: number): Promise<boolean> {
  const controller = new AbortController()
  const response = refresh(token, controller.signal).then(
    async (found) => (await found.text()).length > 0,
    () => false,
  )
  await sleep(afterMs)
  controller.abort()
  return response.catch(() => false)
}

describe('the parallel refreshes of one session object', () => {
  beforeAll(async () => {
    const bundle = configureBundle(await serviceBundle(), { session_objects: { per_market: 1 } })
    service = await startService(bundle, { hasLargeBudgets: true })
  })
  afterAll(() => service.close())

  it('clients that disconnect delay and fail no other refresh, and sign no user out', async () => {
    const { issuer } = service.config
    const signIns = Array.from({ length: CLIENTS }, () => requestTokens(issuer, GUEST))
    const tokens = (await Promise.all(signIns)).map(({ refresh_token }) => refresh_token)
    let unanswered = 0
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        tokens.map(async (token, i) => {
          // In each round other clients disconnect, also those that send the shared calls.
          if (i % 3 === round % 3 && !(await hangUp(token, i / 2))) unanswered++
          else if (i % 3 === round % 3) return
          else tokens[i] = await refreshNow(token)
        }),
      )
      // A client without a response repeats its refresh.
      for (const i of tokens.keys()) if (i % 3 === round % 3) tokens[i] = await refreshNow(tokens[i] ?? '')
    }
    expect(unanswered).toBeGreaterThan(ROUNDS)
    const select = "SELECT count(*) AS events FROM audit_events WHERE kind IN ('theft', 'refresh_refused')"
    expect(await service.stores.DB.prepare(select).first('events')).toBe(0)
  }, 120_000)
})
