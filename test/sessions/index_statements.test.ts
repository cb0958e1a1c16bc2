import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { runCron } from '../../src/cron.ts'
import { StorageUnavailable } from '../../src/lib/storage_error.ts'
import { BATCH_ROWS, MAX_STATEMENTS } from '../../src/storage/sweep.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { D1_DOWN } from '../support/faults.ts'
import {
  emptyIndexDatabases,
  NEW_1,
  NEW_2,
  serverWith,
  setObjects,
  subjectsOf,
} from '../support/index_databases.ts'
import { erase, newShop, openSession, withdraw } from '../support/index_shop.ts'
import { emptyStores } from '../support/server.ts'
import { runAlarms } from '../support/session_objects.ts'
import { readSession } from '../support/session_stores.ts'

const BOTH = [NEW_1, NEW_2]

/** A server that counts the statements for the index. */
function countingServer(options: Parameters<typeof serverWith>[1]) {
  const calls: string[] = []
  const count = (name: 'DB' | 'INDEX_1' | 'INDEX_2') =>
    aroundD1((sql, call) => {
      if (sql.includes('session_index')) calls.push(`${name} ${sql.trim().split(' ')[0]}`)
      return call()
    }, env[name])
  const stores = { DB: count('DB'), INDEX_1: count('INDEX_1'), INDEX_2: count('INDEX_2') }
  return { server: serverWith(BOTH, { ...options, env: stores }), calls }
}

const countOf = (calls: string[], call: string) => calls.filter((one) => one === call).length

// The cron trigger can send 1000 statements in a run.
describe('the statements of the cron trigger for the index of sessions', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyIndexDatabases()
  })

  it('an erasure updates each database once, for the sessions of all objects', async () => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sids: string[] = []
    for (const continent of ['EU', 'NA', 'AS', 'SA', 'AF']) sids.push(await openSession(shop, { continent }))
    await runAlarms()
    const { server, calls } = countingServer({ clock: shop.server.clock })
    await erase({ ...shop, server })
    for (const sid of sids) expect(await subjectsOf(sid)).toEqual([expect.stringMatching(/^user:erased-/)])
    expect(calls.filter((call) => call.endsWith('UPDATE')).sort()).toEqual([
      'DB UPDATE',
      'INDEX_1 UPDATE',
      'INDEX_2 UPDATE',
    ])
  })

  it('all withdrawn consents of a run are one read of each database', async () => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sids: string[] = []
    const inOutage = serverWith(BOTH, { clock: shop.server.clock, env: { INDEX_2: D1_DOWN } })
    for (let i = 0; i < 5; i++) {
      const own = { ...shop, user: await shop.server.addUser() }
      sids.push(await openSession(own, { hasConsent: true }))
      await expect(withdraw({ ...own, server: inOutage })).rejects.toThrow(StorageUnavailable)
    }
    await runAlarms()
    const { server, calls } = countingServer({ clock: shop.server.clock })
    await server.cron()
    for (const sid of sids)
      expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'its consent was withdrawn' }])
    for (const name of ['DB', 'INDEX_1', 'INDEX_2']) expect(countOf(calls, `${name} SELECT`)).toBeLessThan(3)
  })

  it.each([
    ['more than 1000 newer ones', 1000, 0],
    ['47 hours without a run, at the start of an hour', 0, 47],
  ])('a run ends the sessions of a withdrawn consent after %s', async (_case, newer, hours) => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sid = await openSession(shop, { hasConsent: true })
    await runAlarms()
    const { clock } = shop.server
    const inOutage = serverWith(BOTH, { clock, env: { INDEX_2: D1_DOWN } })
    await expect(withdraw({ ...shop, server: inOutage })).rejects.toThrow(StorageUnavailable)
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO consents (id, subject, client_id, api, redirect_uri, scopes, created_at, updated_at, withdrawn_at)
       SELECT 'newer ' || i, 'user:a', ?2, 'storefront', '', '[]', ?3, ?3, ?3 FROM n WHERE ?1 > 0`,
    )
      .bind(newer, shop.client.id, clock.time + 1)
      .run()
    clock.time = Math.floor(clock.time / 3600) * 3600 + hours * 3600
    await shop.server.sweep()
    expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'its consent was withdrawn' }])
  })

  it('a run stops before its statements for the sessions of erased users exceed its budget', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const { services } = await newShop(BOTH).then(({ server }) => server)
    const objects = services.shards.all().at(-1)
    if (objects === undefined) throw new Error('the server has no session objects')
    const erasure = { subject: 'visitor:1', pseudonym: 'visitor:erased-1', expiresAt: 1 }
    vi.spyOn(services.erasures, 'list').mockResolvedValue([erasure])
    // Each call finds as many sessions as it may change: it reads and updates three databases.
    const erase = vi.spyOn(objects.erasure, 'erase').mockResolvedValue(BATCH_ROWS)
    await runCron(services, () => {})
    expect(erase.mock.calls.length).toBeGreaterThan(10)
    expect(erase.mock.calls.length * 6).toBeLessThan(MAX_STATEMENTS)
  })

  it('a run stops before the pages of a long list of erasures exceed its budget', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const { services } = await newShop(BOTH).then(({ server }) => server)
    const page = Array.from({ length: BATCH_ROWS }, (_, i) => ({
      subject: `visitor:${i}`,
      pseudonym: `visitor:erased-${i}`,
      expiresAt: 1,
    }))
    const list = vi.spyOn(services.erasures, 'list').mockResolvedValue([])
    for (let call = 0; call < 1000; call++) list.mockResolvedValueOnce(page)
    await runCron(services, () => {})
    expect(list.mock.calls.length).toBeGreaterThan(10)
    // Each page reads the list, the sessions of the main database, and three databases of the index.
    expect(list.mock.calls.length * 5).toBeLessThan(MAX_STATEMENTS)
    expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      expect.objectContaining({ event: 'sweep_unfinished', table: 'sessions (erased users)' }),
    ])
  })
})
