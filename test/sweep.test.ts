import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { sweep } from '../src/sessions/sweep.ts'
import worker from '../src/worker.ts'
import { auditOf } from './support/audit.ts'
import { emptyStores, TestServer } from './support/server.ts'

const DAY = 86_400

const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')

describe('the sweep', () => {
  beforeEach(emptyStores)

  it('removes a session once its last token expired, and not a second before', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    await server.refresh(client, refresh_token)
    server.clock.time += 30 * DAY - 1
    await server.sweep()
    expect(await count('sessions')).toBe(1)
    server.clock.time += 1
    await server.sweep()
    expect(await count('sessions')).toBe(0)
  })

  it('keeps a merged guest as spent while any token of theirs may live', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const guest = await server.signIn(client, 'guest', 'guest')
    const parameters = { grant_type: 'password', client_id: client.id, client_secret: client.secret }
    const person = { username: user.username, password: 'correct horse battery staple' }
    await server.requireTokens({ ...parameters, ...person, visitor_access_token: guest.access_token })
    server.clock.time += 30 * DAY - 1
    await server.sweep()
    await expect(server.refresh(client, guest.refresh_token)).rejects.toThrow('invalid_grant')
    server.clock.time += 1
    await server.sweep()
    expect(await count('sessions')).toBe(0)
  })

  it('removes old cut-offs but the newest, and audit events past their days', async () => {
    const server = new TestServer({ config: { audit_retention_days: 30 } })
    const users = [await server.addUser(), await server.addUser()]
    for (const user of users) await server.services.signOut.everywhere(user.id, server.context())
    await server.settle()
    server.clock.time += 3662
    await server.sweep()
    expect(await count('cutoffs')).toBe(2)
    server.clock.time += 1
    await server.sweep()
    expect(await count('cutoffs')).toBe(1)
    expect(await count('audit_events')).toBe(2)
    server.clock.time += 30 * DAY
    await server.sweep()
    expect(await count('audit_events')).toBe(0)
  })

  it('reaches the main database where no shard is in it', async () => {
    const session_shards = [{ name: 'eu', binding: 'SESSIONS_EU' }]
    const server = new TestServer({ config: { session_shards } })
    for (let i = 0; i < 2; i++) {
      const user = await server.addUser()
      await server.services.signOut.everywhere(user.id, server.context())
    }
    server.clock.time += 3663
    await server.sweep()
    expect(await count('cutoffs')).toBe(1)
  })

  it('works in bounded batches, as many as one run may take', async () => {
    const server = new TestServer({ config: { audit_retention_days: 1 } })
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50700)
       INSERT INTO audit_events (at, kind, outcome, reason) SELECT 0, 'issue', 'ok', 'old' FROM n`,
    ).run()
    await server.sweep()
    expect(await count('audit_events')).toBe(700)
    await server.sweep()
    expect(await count('audit_events')).toBe(0)
  })

  it('takes fewer batches of each table where there are many, so that the last has its turn', async () => {
    const asked: string[] = []
    const endless = (table: string) => ({
      sweep: async (_before: number, limit: number) => {
        asked.push(table)
        return limit
      },
    })
    const databases = Array.from({ length: 6 }, () => endless('sessions'))
    await sweep(
      {
        shards: { all: () => databases.map((sessions) => ({ sessions })) },
        cutoffs: databases.map(() => endless('cutoffs')),
        failures: endless('failures'),
        audit: endless('audit'),
        auditRetentionSeconds: DAY,
      },
      0,
    )
    expect(asked.length).toBeLessThanOrEqual(900)
    expect(asked.filter((table) => table === 'audit')).toHaveLength(64)
  })

  it('is run by the cron trigger, which also makes the first key', async () => {
    await env.DB.prepare(
      "INSERT INTO audit_events (at, kind, outcome, reason) VALUES (0, 'issue', 'ok', 'old')",
    ).run()
    const context = createExecutionContext()
    await worker.scheduled(createScheduledController(), env, context)
    await waitOnExecutionContext(context)
    expect(await auditOf({ kind: 'issue' })).toEqual([])
    expect(await auditOf({ kind: 'key' })).toHaveLength(1)
    expect(await count('signing_keys')).toBe(1)
  })
})
