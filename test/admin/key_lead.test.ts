import { beforeEach, describe, expect, it } from 'vitest'
import { LEAD_LIMITS, PUBLISH_AHEAD_SECONDS } from '../../src/keys/key_schedule.ts'
import { signerOf } from '../support/keys.ts'
import { type AdminAnswer, problem, TestOperator } from '../support/operator.ts'
import { emptyStores, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'

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

  it('a service account that rotates in a loop is refused while too many keys are published', async () => {
    const server = new TestServer()
    const account = await TestServiceAccount.withScopes(server, ['keys:write'])
    const answers: AdminAnswer[] = []
    for (let i = 0; i < 14; i++) {
      answers.push(await (await account.at(server)).post('/keys/rotate?lead_seconds=480'))
      server.clock.time += LEAD_LIMITS.min
    }
    const created = answers.filter(({ status }) => status === 200)
    expect([created.length, answers.slice(0, created.length)]).toEqual([10, created])
    const detail = 'Too many keys are published. Wait until the cron trigger has retired a key.'
    const refusal = problem(409, 'conflict', 'The state of the record does not allow this', { detail })
    for (const { body } of answers.slice(created.length)) expect(body).toEqual(refusal)
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
