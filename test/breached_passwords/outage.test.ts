import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import { rangeOf } from '../../src/users/breaches/password_range.ts'
import { auditOf } from '../support/audit.ts'
import {
  breachRowOf,
  breachScene,
  CLAIMED,
  claimsOf,
  HELD,
  NOTHING_SAID,
  RANGE_URL,
  SCOPE,
} from '../support/breaches.ts'
import { PASSWORD } from '../support/server.ts'

const DAY = 86_400

describe('an outage of the breach service', () => {
  const lines = (text: string) => () => new Response(text)
  const endless = () =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(encodeUtf8('0'.repeat(65_536))) }),
    )
  const silent = ({ signal }: Request) =>
    new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const stalled = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))

  it.each([
    ['is down', 'status 503', () => new Response(null, { status: 503 })],
    ['wants us slower', 'status 429', () => new Response(null, { status: 429 })],
    ['has moved', 'status 302', () => Response.redirect('https://elsewhere.test/range/', 302)],
    ['cannot be reached', 'no connection', () => Promise.reject(new Error(`fetch ${RANGE_URL} failed`))],
    ['sends a page', 'the response is malformed', lines('<!doctype html>')],
    ['sends without an end', 'the response is too long', endless],
    ['does not answer', 'timeout', silent],
    ['begins a response and stops', 'timeout', stalled],
  ])(
    'users sign in without a check while the breach service %s, with an audit event and no stored result',
    async (_case, reason, fault) => {
      const { ranges, server, client } = await breachScene({ outcome: 'change' })
      const user = await server.addUser()
      ranges.fault = fault
      expect(claimsOf(await server.signIn(client, user.username))).toMatchObject({
        scope: SCOPE,
        ...NOTHING_SAID,
      })
      expect(await breachRowOf(user)).toEqual({ breach_checked_at: null, password_breached: 0 })
      expect(await auditOf({ subject: user.id, kind: 'unchecked_password' })).toMatchObject([
        { outcome: 'ok', reason: `sign-in: ${reason}`, client_id: client.id },
      ])
    },
  )

  it('no sign-in waits for the breach service for half a minute after a failure, and then one sends a request', async () => {
    const { ranges, server, client } = await breachScene()
    const [first, second] = [await server.addUser(), await server.addUser()]
    ranges.fault = () => new Response(null, { status: 503 })
    await server.signIn(client, first.username)
    ranges.fault = null
    server.clock.time += 29
    expect(claimsOf(await server.signIn(client, second.username))).toMatchObject(NOTHING_SAID)
    expect(ranges.asked).toHaveLength(1)
    expect(await auditOf({ subject: second.id, kind: 'unchecked_password' })).toMatchObject([
      { reason: 'sign-in: not sent, because the service failed recently' },
    ])
    server.clock.time += 1
    expect(claimsOf(await server.signIn(client, second.username))).toMatchObject(CLAIMED)
  })

  it('the stored result of a password stays while the breach service is down', async () => {
    const { ranges, server, client } = await breachScene({ outcome: 'change', recheck_days: 1 })
    const { username } = await server.addUser()
    await server.signIn(client, username)
    ranges.fault = () => new Response(null, { status: 503 })
    server.clock.time += DAY
    expect(claimsOf(await server.signIn(client, username))).toEqual(HELD)
  })
})

describe('the log and the audit trail', () => {
  it('neither the log nor the audit trail contains a password or a part of its SHA-1', async () => {
    const written: string[] = []
    for (const level of ['info', 'warn', 'error'] as const) {
      const spy = vi.spyOn(console, level).mockImplementation((line: string) => written.push(line))
      onTestFinished(() => spy.mockRestore())
    }
    const { ranges, server, client } = await breachScene()
    const [user, other] = [await server.addUser(), await server.addUser()]
    await server.signIn(client, user.username)
    ranges.fault = ({ url }) => Promise.reject(new TypeError(`cannot reach ${url}`))
    await server.signIn(client, other.username)
    for (const { id } of [user, other]) written.push(JSON.stringify(await auditOf({ subject: id })))
    const text = written.join('\n').toUpperCase()
    expect(text).toContain('RANGE_SERVICE_FAILED')
    expect(text).toContain('IN A KNOWN BREACH')
    const { prefix, suffix } = await rangeOf(encodeUtf8(PASSWORD))
    for (const secret of [PASSWORD.toUpperCase(), `/${prefix}`, `"${prefix}`, suffix]) {
      expect(text).not.toContain(secret)
    }
  })
})
