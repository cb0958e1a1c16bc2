import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import type { AuditEvent } from '../src/audit/audit_event.ts'
import { AuditStore } from '../src/audit/audit_store.ts'
import { addressPrefix } from '../src/lib/address_prefix.ts'
import { pause } from '../src/lib/pause.ts'
import { UNKNOWN_CALLER } from '../src/lib/request_context.ts'
import { DeferredWriteStore } from '../src/storage/deferred_write_store.ts'
import { aroundD1 } from './support/around_d1.ts'
import { auditOf } from './support/audit.ts'
import { credentials, PASSWORD, TestServer } from './support/server.ts'

function recordingD1(): { db: D1Database; statements: string[] } {
  const statements: string[] = []
  const db = aroundD1((sql, call) => {
    statements.push(sql)
    return call()
  })
  return { db, statements }
}

const from = (address: string) => ({ 'CF-Connecting-IP': address })

describe('the audit trail', () => {
  it('the audit trail has one event for each change of a session, in order, with the exact reason', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const tokens = await server.signIn(client, user.username)
    const { sid } = decodeJwt<{ sid: string }>(tokens.access_token)
    const second = await server.refresh(client, tokens.refresh_token)
    await server.refresh(client, tokens.refresh_token)
    await server.postJson({ ...credentials(client), token: second.access_token }, {}, '/oauth2-token/revoke')
    await expect(server.refresh(client, second.refresh_token)).rejects.toThrow('invalid_grant')
    const events = await auditOf({ sid })
    expect(events.map(({ kind, outcome, reason }) => [kind, outcome, reason])).toEqual([
      ['issue', 'ok', 'password'],
      ['refresh', 'ok', 'token 0 was exchanged for token 1'],
      ['retry', 'ok', 'token 0 was exchanged for token 1'],
      ['revoke', 'ok', 'revoked by its client'],
      ['refresh_refused', 'refused', 'the session ended: revoked by its client'],
    ])
    for (const event of events) {
      expect(event).toMatchObject({ api: 'storefront', client_id: client.id, subject: user.id, sid })
    }
  })

  it('the audit trail has each failed sign-in with its internal reason and its network', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const attempt = (username: string, password: string) =>
      server.postJson(
        { grant_type: 'password', ...credentials(client), username, password },
        from('203.0.113.77'),
      )
    await attempt('nobody@example.com', PASSWORD)
    await attempt(user.username, 'wrong')
    const events = await auditOf({ client_id: client.id, kind: 'sign_in_failure' })
    expect(events).toEqual([
      expect.objectContaining({ reason: 'unknown user', subject: null, address_prefix: '203.0.113.0/24' }),
      expect.objectContaining({ reason: 'wrong password', subject: user.id, outcome: 'refused' }),
    ])
  })

  it('no audit event and no log line contains a password, secret, token or name', async () => {
    const lines: string[] = []
    const spies = (['info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((line: string) => lines.push(line)),
    )
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const guest = await server.signIn(client, 'guest', 'guest')
    const parameters = { grant_type: 'password', ...credentials(client), username: user.username }
    const tokens = await server.requireTokens({
      ...parameters,
      password: PASSWORD,
      visitor_access_token: guest.access_token,
    })
    await server.refresh(client, tokens.refresh_token)
    await server.postJson({ ...parameters, password: 'mistyped horse' })
    await server.postJson({ ...parameters, client_secret: 'sps_mistyped', password: PASSWORD })
    await server.postJson({
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token: `${tokens.refresh_token}x`,
    })
    await server.postJson({ ...credentials(client), token: tokens.refresh_token }, {}, '/oauth2-token/revoke')
    for (const spy of spies) spy.mockRestore()
    const { results } = await env.DB.prepare('SELECT * FROM audit_events').all()
    const written = [...lines, ...results.map((row) => JSON.stringify(row))].join('\n')
    expect(lines.length).toBeGreaterThan(0)
    const secrets = [
      PASSWORD,
      'mistyped horse',
      'sps_mistyped',
      client.secret,
      user.username,
      'eyJ',
      '$argon2id$',
    ]
    for (const secret of secrets) expect(written).not.toContain(secret)
  })

  it('a failed audit write is logged, and the response succeeds', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const server = new TestServer()
    const client = await server.addClient()
    server.services.audit.record = server.services.audit.record.bind(server.services.audit)
    await env.DB.prepare('ALTER TABLE audit_events RENAME TO audit_events_away').run()
    await server.signIn(client, 'guest', 'guest')
    await env.DB.prepare('ALTER TABLE audit_events_away RENAME TO audit_events').run()
    const lines = error.mock.calls.map(([line]) => JSON.parse(line))
    error.mockRestore()
    expect(lines).toEqual([
      expect.objectContaining({ event: 'deferred_work_failed', work: 'deferred writes' }),
    ])
  })
})

describe('the events of an isolate', () => {
  const event = (sid: string) => ({
    kind: 'issue',
    outcome: 'ok',
    reason: 'guest',
    api: 'storefront',
    clientId: 'shop',
    sid,
    subject: 'visitor:1',
  })

  /** Records an event at each of the times. @returns the number of calls to D1 */
  async function record(
    sid: string,
    moments: number[],
    waits: (() => Promise<void>)[] = [],
  ): Promise<number> {
    const { db, statements } = recordingD1()
    const wait = () => (waits.shift() ?? (() => pause(20)))()
    const audit = new AuditStore(db, { deferred: new DeferredWriteStore(db, { pause: wait }) })
    let last: Promise<unknown> = Promise.resolve()
    for (const now of moments) {
      const waitUntil = (work: Promise<unknown>) => {
        last = work
      }
      audit.record(event(sid) as AuditEvent, { ...UNKNOWN_CALLER, now, waitUntil })
    }
    await last
    return statements.length
  }

  it('events of a short time are written in one call, in their order', async () => {
    const sid = `s1.${crypto.randomUUID()}`
    expect(await record(sid, [100, 101, 101, 102])).toBe(1)
    const { results } = await env.DB.prepare('SELECT at FROM audit_events WHERE sid = ? ORDER BY id')
      .bind(sid)
      .all()
    expect(results.map(({ at }) => at)).toEqual([100, 101, 101, 102])
  })

  it('a later request writes the events of a collecting request that the runtime ended', async () => {
    const sid = `s1.${crypto.randomUUID()}`
    const isEnded = () => new Promise<void>(() => {})
    expect(await record(sid, [100, 100, 104], [isEnded])).toBe(1)
    expect(await auditOf({ sid })).toHaveLength(3)
  })
})

describe('an address prefix', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:85a3:8d3:1319:8a2e:370:7348', '2001:db8:85a3::/48'],
    ['2001:0DB8::1', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
    ['not an address', null],
    ['', null],
    [null, null],
  ])('an address prefix keeps the network of %s and drops the rest', (address, prefix) => {
    expect(addressPrefix(address)).toBe(prefix)
  })
})
