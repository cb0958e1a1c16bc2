import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '../src/audit/audit_event.ts'
import { AuditQueryStore } from '../src/audit/audit_query_store.ts'
import { AuditStore } from '../src/audit/audit_store.ts'
import { SessionEventStore } from '../src/audit/session_event_store.ts'
import { aroundD1 } from './support/around_d1.ts'
import { TestServer } from './support/server.ts'

const PAGE = { sort: 'time', isDescending: true, from: null, isBackwards: false, limit: 10 } as const
const COUNTED = { total: 1, isExact: true }

/** The query plans of the statements that `ask` sends. */
async function plansOf(ask: (database: D1Database) => Promise<unknown>): Promise<string> {
  const asked: string[] = []
  const database = aroundD1((sql, call) => {
    asked.push(sql)
    return call()
  })
  await ask(database)
  // It takes no parameters.
  const literal = (sql: string) => sql.replaceAll(/\?\d*/g, "'x'")
  const plans = asked.map((sql) => env.DB.prepare(`EXPLAIN QUERY PLAN ${literal(sql)}`).all())
  return (await Promise.all(plans))
    .flatMap(({ results }) => results.map(({ detail }) => String(detail)))
    .join('\n')
}

describe('the index of audit events by session', () => {
  it('the index serves the events, the sign-in and the timeline of a session', async () => {
    const sid = 's1.one'
    const session = { sid, subject: 'user:one', clientId: 'one' }
    const period = { ...session, from: 0, to: 1 }
    const event: AuditEvent = { ...session, kind: 'revoke', outcome: 'ok', reason: 'ended', api: null }
    const searches: ((database: D1Database) => Promise<unknown>)[] = [
      (database) => new AuditQueryStore(database).list({ sid }, PAGE, COUNTED),
      (database) => new AuditQueryStore(database).findSignIn(sid, { subject: null, beforeSearch: () => {} }),
      (database) => new SessionEventStore(database).listTimeline(period, 10),
      (database) => new SessionEventStore(database).findEnds([period]),
      (database) => new AuditStore(database).addOnceForSession({ ...event, sid }, new TestServer().context()),
    ]
    for (const search of searches) expect(await plansOf(search)).toContain('audit_events_by_session (sid=?')
  })

  it('the sign-ins of a user or a client do not use the index', async () => {
    const userFilter = { subject: 'user:one', clientId: null }
    const client = { subject: null, clientId: 'one' }
    const listSignIns = (owner: typeof userFilter | typeof client) =>
      plansOf((database) => new AuditQueryStore(database).listSignIns(owner, PAGE))
    expect(await listSignIns(userFilter)).toContain('audit_events_by_subject (subject=?')
    expect(await listSignIns(client)).toContain('audit_events_by_client (client_id=?')
  })

  it('the index has no entry for an event without a session', async () => {
    const written = async (sid: string | null) => {
      const insert = env.DB.prepare(
        `INSERT INTO audit_events (at, kind, outcome, reason, client_id, subject, sid)
         VALUES (1, 'issue', 'ok', 'client_credentials', 'one', 'one', ?)`,
      )
      return (await insert.bind(sid).run()).meta.rows_written
    }
    expect((await written('s1.one')) - (await written(null))).toBe(1)
  })
})
