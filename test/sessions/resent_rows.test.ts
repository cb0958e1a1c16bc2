import { evictAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { aroundD1 } from '../support/around_d1.ts'
import { D1_DOWN } from '../support/faults.ts'
import {
  copyRow,
  emptyIndexDatabases,
  LISTED_1,
  NEW_1,
  NEW_2,
  placesOf,
  serverWith,
  setObjects,
  subjectsOf,
} from '../support/index_databases.ts'
import { erase, newShop, openSession, refreshGuest, runAlarm } from '../support/index_shop.ts'
import { emptyStores } from '../support/server.ts'
import { objectOf, readObject, runAlarms, sweepObjects } from '../support/session_objects.ts'

const DAY = 86_400
const DAY_MS = DAY * 1000

/** The statement of `npm run after-restore`. */
function markRestore(): Promise<unknown> {
  return env.DB.prepare("INSERT OR REPLACE INTO copy_changes (name) VALUES ('restore')").run()
}

function silence(level: 'error' | 'info') {
  const log = vi.spyOn(console, level).mockImplementation(() => {})
  onTestFinished(() => log.mockRestore())
}

/** Adds revocations to an object, which it has sent. */
async function addSentCutoffs(sid: string, count: number): Promise<void> {
  await readObject(
    objectOf(sid),
    `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at)
     SELECT 'sid', substr(?1, 1, 7) || printf('%022d', n.value), 1, 'signed out', 1, 9000000000 FROM
       (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?2) SELECT value FROM n) AS n`,
    sid,
    count,
  )
  await readObject(objectOf(sid), 'UPDATE restores SET sent_cutoff = (SELECT max(id) FROM cutoffs)')
}

async function countRows(table: 'cutoffs' | 'session_index'): Promise<unknown> {
  return (await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first())?.n
}

/** Adds the row of a session that no object has. */
function addStaleRow(sid: string): Promise<unknown> {
  return env.DB.prepare(
    "INSERT INTO session_index (sid, subject, client_id, api, started_at) VALUES (?, 'user:gone', 'shop', 'shop', 1)",
  )
    .bind(sid)
    .run()
}

/** When the alarm of the object of a session rings, in milliseconds; null without an alarm. */
function alarmOf(sid: string): Promise<number | null> {
  return runInDurableObject(objectOf(sid), (_, { storage }) => storage.getAlarm())
}

/** Revokes a session in its object, as a revocation or a logout does. */
function endSession(sid: string): Promise<unknown> {
  return runInDurableObject(objectOf(sid), (instance) =>
    instance.run({
      statements: [
        {
          sql: `INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at)
            VALUES ('sid', ?1, 1, 'signed out', 1, 9000000000)`,
          values: [sid],
        },
      ],
    }),
  )
}

beforeEach(async () => {
  silence('info')
  await emptyStores()
  await emptyIndexDatabases()
})

describe('revocations that a session object sends again', () => {
  it('the end of a session waits for its own revocation, and the alarm sends the earlier ones in parts', async () => {
    const shop = await newShop([])
    const sid = await openSession(shop)
    await addSentCutoffs(sid, 2600)
    await markRestore()
    let calls = 0
    const DB = aroundD1((sql, call) => {
      if (sql.includes('INTO cutoffs')) calls++
      return call()
    })
    await evictAllDurableObjects()
    await setObjects([], { DB })
    await runInDurableObject(objectOf(sid), (instance) => instance.prepare(shop.server.clock.time))
    await endSession(sid)
    expect(calls).toBe(1)
    expect(await countRows('cutoffs')).toBe(1)
    await runAlarm(sid)
    expect(await countRows('cutoffs')).toBe(2001)
    expect(calls).toBe(5)
    await runAlarm(sid)
    expect(await countRows('cutoffs')).toBe(2601)
  })

  it('an object without requests sends them while a database of the index is down', async () => {
    silence('error')
    const shop = await newShop([NEW_1])
    await setObjects([NEW_1])
    const sid = await openSession(shop)
    await runAlarms()
    await addSentCutoffs(sid, 1)
    await readObject(objectOf(sid), 'INSERT INTO index_changes (sid) VALUES (?)', sid)
    await markRestore()
    await evictAllDurableObjects()
    await setObjects([NEW_1], { INDEX_1: D1_DOWN })
    await runAlarm(sid)
    expect(await countRows('cutoffs')).toBe(1)
  })

  it('an object without requests looks for a restore again soon after a failed read', async () => {
    silence('error')
    const shop = await newShop([])
    const sid = await openSession(shop)
    await runAlarms()
    await evictDurableObject(objectOf(sid))
    await setObjects([], { DB: D1_DOWN })
    await runAlarm(sid)
    expect(await alarmOf(sid)).toBeLessThan(Date.now() + 6000)
    await evictDurableObject(objectOf(sid))
    await runAlarm(sid)
    expect(await alarmOf(sid)).toBeGreaterThan(Date.now() + DAY_MS / 2)
  })
})

describe('index rows that a session object sends again', () => {
  it('a row that any database of the index has is not added to another one', async () => {
    const shop = await newShop([LISTED_1, NEW_2])
    const before = { ...shop, server: serverWith([], { clock: shop.server.clock }) }
    await setObjects([])
    const inMain = [await refreshGuest(before), await openSession(before)]
    await runAlarms()
    await setObjects([NEW_1])
    const inFirst = [await refreshGuest(shop), await openSession(shop)]
    await runAlarms()
    await markRestore()
    await evictAllDurableObjects()
    await setObjects([LISTED_1, NEW_2])
    await env.DB.prepare('DELETE FROM session_index WHERE sid = ?').bind(inMain[1]).run()
    for (const sid of [...inMain, ...inFirst]) await runAlarm(sid)
    expect(await placesOf(inMain[0] ?? '')).toEqual(['DB'])
    expect(await placesOf(inMain[1] ?? '')).toEqual(['INDEX_2'])
    for (const sid of inFirst) expect(await placesOf(sid)).toEqual(['INDEX_1'])
  })

  it('a restored row whose session was removed since, such as that of an erased user, is removed again', async () => {
    const shop = await newShop([NEW_1])
    await setObjects([NEW_1])
    const gone = [await openSession(shop), await openSession(shop)]
    await runAlarms()
    const { results: rows } = await env.INDEX_1.prepare('SELECT * FROM session_index').all()
    await sweepObjects(shop.server.clock.time + 60 * DAY)
    expect(await placesOf(gone[0] ?? '')).toEqual([])
    const live = await openSession(shop)
    await runAlarms()
    for (const row of rows) {
      const names = Object.keys(row)
      const insertion = `INSERT INTO session_index (${names}) VALUES (${names.map(() => '?')})`
      await env.INDEX_1.prepare(insertion)
        .bind(...Object.values(row))
        .run()
    }
    await copyRow(gone[0] ?? '', 'INDEX_1', 'DB')
    await markRestore()
    await evictAllDurableObjects()
    await setObjects([NEW_1])
    await runAlarm(live)
    for (const sid of gone) expect(await placesOf(sid)).toEqual([])
    expect(await placesOf(live)).toEqual(['INDEX_1'])
  })

  it('thousands of rows without a session are removed in parts, between and after the sessions of the object', async () => {
    const shop = await newShop([NEW_1])
    await setObjects([NEW_1])
    const live = [await openSession(shop), await openSession(shop)]
    await runAlarms()
    const name = live[0]?.split('.')[0]
    for (const db of [env.DB, env.INDEX_1])
      await db
        .prepare(
          `INSERT INTO session_index (sid, subject, client_id, api, started_at)
           SELECT ?1 || '.' || substr('AZaz', 1 + n.value % 4, 1) || printf('%021d', n.value), 'user:gone', 'shop', 'shop', 1 FROM
             (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 4600) SELECT value FROM n) AS n`,
        )
        .bind(name)
        .run()
    await markRestore()
    await evictAllDurableObjects()
    await setObjects([NEW_1])
    const left = async (db: D1Database) =>
      (await db.prepare('SELECT count(*) AS n FROM session_index').first())?.n
    await runAlarm(live[0] ?? '')
    expect(await left(env.INDEX_1)).toBeGreaterThan(602)
    for (let i = 0; i < 3; i++) await runAlarm(live[0] ?? '')
    expect([await left(env.DB), await left(env.INDEX_1)]).toEqual([0, 2])
    for (const sid of live) expect(await placesOf(sid)).toEqual(['INDEX_1'])
  })

  it('an object that finds a restore before its first session compares its rows after that session', async () => {
    const shop = await newShop([])
    const stale = 'weur-0.stale'
    await addStaleRow(stale)
    await markRestore()
    await evictAllDurableObjects()
    await setObjects([])
    await runInDurableObject(objectOf(stale), (instance) => instance.prepare(shop.server.clock.time))
    await runAlarm(stale)
    expect(await placesOf(stale)).toEqual(['DB'])
    expect(await alarmOf(stale)).toBeGreaterThan(Date.now() + DAY_MS / 2)
    const live = await openSession(shop)
    expect(await alarmOf(live)).toBeLessThan(Date.now() + 6000)
    await runAlarm(live)
    expect(await placesOf(stale)).toEqual([])
    expect(await placesOf(live)).toEqual(['DB'])
    expect(await readObject(objectOf(live), 'SELECT resend_after FROM restores')).toEqual([
      { resend_after: null },
    ])
  })

  it('an object whose last session expires before it finds a restore compares its rows after its next session', async () => {
    const shop = await newShop([])
    const gone = await openSession(shop)
    await runAlarms()
    await sweepObjects(shop.server.clock.time + 60 * DAY)
    await addStaleRow(gone)
    await markRestore()
    await evictAllDurableObjects()
    await setObjects([])
    await runAlarm(gone)
    expect(await placesOf(gone)).toEqual(['DB'])
    const live = await openSession(shop)
    await runAlarm(live)
    expect(await placesOf(gone)).toEqual([])
    expect(await placesOf(live)).toEqual(['DB'])
  })

  it.each([
    ['DB', []],
    ['INDEX_1', [NEW_1]],
  ] as const)(
    'a restored row in %s with the id of an erased user gets the pseudonym of its session',
    async (binding, databases) => {
      const shop = await newShop(databases)
      await setObjects(databases)
      const sid = await openSession(shop)
      await runAlarms()
      await erase(shop)
      const [pseudonym] = await subjectsOf(sid)
      expect(pseudonym).toMatch(/^user:erased-/)
      await env.DB.prepare('DELETE FROM erasures').run()
      await env[binding]
        .prepare('UPDATE session_index SET subject = ? WHERE sid = ?')
        .bind(shop.user.id, sid)
        .run()
      await markRestore()
      await evictAllDurableObjects()
      await setObjects(databases)
      await runAlarm(sid)
      expect(await alarmOf(sid)).toBeLessThan(Date.now() + 6000)
      await runAlarm(sid)
      expect(await subjectsOf(sid)).toEqual([pseudonym])
      expect(await placesOf(sid)).toEqual([binding])
    },
  )
})
