import { beforeEach, describe, expect, it } from 'vitest'
import { LEAD_LIMITS, PUBLISH_AHEAD_SECONDS } from '../../src/keys/key_schedule.ts'
import { signerOf } from '../support/keys.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { emptyStores, TestServer } from '../support/server.ts'

/** The time for which Istio and Envoy cache a JWKS. */
const ENVOY_SECONDS = 20 * 60

describe('POST /admin/api/keys/rotate', () => {
  beforeEach(emptyStores)

  it('a new key is published at least 25 minutes before it signs, unless the operator sets a lead', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { status, body } = await operator.post('/keys/rotate')
    expect([status, body]).toMatchObject([200, { state: 'next', activates_at: server.clock.time + 1800 }])
    expect(PUBLISH_AHEAD_SECONDS).toBe(1800)
    expect(PUBLISH_AHEAD_SECONDS - LEAD_LIMITS.min).toBeGreaterThanOrEqual(ENVOY_SECONDS)
  })

  it('an operator can choose the lead; a shorter lead moves the key earlier, a longer one changes nothing', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const start = server.clock.time
    const rotate = async (lead: number) => (await operator.post(`/keys/rotate?lead_seconds=${lead}`)).body
    const first = await rotate(7200)
    expect(first).toMatchObject({ state: 'next', activates_at: start + 7200 })
    expect(await rotate(86_400)).toEqual(first)
    expect(await rotate(480)).toEqual({ ...first, activates_at: start + 480 })
    server.clock.time += 480
    expect(await signerOf(server, await server.addClient())).toBe(first.kid)
  })

  it.each([0, LEAD_LIMITS.min - 1, LEAD_LIMITS.max + 1])('a lead of %d seconds is refused', async (lead) => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { status, body } = await operator.post(`/keys/rotate?lead_seconds=${lead}`)
    expect(status).toBe(400)
    const errors = [{ path: 'lead_seconds', message: 'must be seconds, from 480 to 172800' }]
    expect(body).toMatchObject(problem(400, 'invalid-query', String(body.title), { errors }))
  })
})
