import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { shardNameOf } from '../../src/sessions/sid.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { watchFailures } from '../support/failure_log.ts'
import { emptyIndexDatabases, NEW_1, serverWith, setObjects, subjectsOf } from '../support/index_databases.ts'
import { type IndexShop, newShop, openSession } from '../support/index_shop.ts'
import { emptyStores } from '../support/server.ts'
import { runAlarms, sessionObjects } from '../support/session_objects.ts'

const DATABASES = [NEW_1]
const TABLE = 'sessions (erased users)'

/** The session objects. No call reaches the object with the name. */
function withoutObject(down: string) {
  return new Proxy(sessionObjects(), {
    get(target, property) {
      const member = Reflect.get(target, property).bind(target)
      if (property !== 'getByName') return member
      return (...parameters: Parameters<typeof target.getByName>) => {
        if (parameters[0] === down) throw new Error(`${down} is down`)
        return target.getByName(...parameters)
      }
    },
  })
}

/** The lines of the log about a table, without the lines of success. */
function failures() {
  const lines = watchFailures()
  return () =>
    lines()
      .filter(({ table }) => table === TABLE)
      .map(({ event, cause }) => [event, cause])
}

/** Lists erased guests. @param expiresAt The end of their erasures. */
async function listErased(subjects: readonly string[], expiresAt: number): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO erasures (subject, pseudonym, expires_at, archive_from)
     SELECT value, 'erased ' || value, ?, NULL FROM json_each(?)`,
  )
    .bind(expiresAt, JSON.stringify(subjects))
    .run()
}

/** A session of the user of a shop in an object, whose erasure is the oldest one. */
async function openErased(shop: IndexShop, continent: string): Promise<string> {
  const sid = await openSession(shop, { continent })
  await runAlarms()
  await listErased([shop.user.id], 7_000_000_000)
  return sid
}

describe('the erasure of users in sessions while a part of the sessions fails', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyIndexDatabases()
  })

  it('a run erases the users in all other objects while one object with 150 erased users fails', async () => {
    const shop = await newShop(DATABASES)
    await setObjects(DATABASES)
    const sid = await openErased(shop, 'NA')
    const down = shardNameOf(await openSession(shop, { continent: 'EU' }))
    const left = Array.from({ length: 150 }, (_, i) => `visitor:${i}`)
    await listErased(left, 9_000_000_000)
    await env.INDEX_1.prepare(
      `INSERT INTO session_index (sid, subject, client_id, api, started_at)
       SELECT ? || '.' || value, value, 'shop', 'storefront', 1 FROM json_each(?)`,
    )
      .bind(down, JSON.stringify(left))
      .run()
    const { clock } = shop.server
    const read = failures()
    await serverWith(DATABASES, { clock, env: { SESSION_OBJECTS: withoutObject(down) } }).sweep()
    expect(await subjectsOf(sid)).toEqual([`erased ${shop.user.id}`])
    expect(await subjectsOf(`${down}.${left[0]}`)).toEqual([left[0]])
    expect(read()).toEqual([
      ['sweep_failed', `StorageUnavailable: D1 sessions: Error: ${down} is down`],
      ['sweep_unfinished', undefined],
    ])

    await shop.server.sweep()
    for (const subject of left) expect(await subjectsOf(`${down}.${subject}`)).toEqual([`erased ${subject}`])
  })

  it('a run erases the users of every page in the objects while a shard fails', async () => {
    const shop = await newShop(DATABASES)
    await setObjects(DATABASES)
    const sid = await openErased(shop, 'NA')
    await listErased(
      Array.from({ length: 1000 }, (_, i) => `visitor:${i}`),
      9_000_000_000,
    )
    const DB = aroundD1((sql, call) => {
      if (sql.includes('UPDATE sessions')) throw new Error('the shard is down')
      return call()
    })
    const read = failures()
    await serverWith(DATABASES, { clock: shop.server.clock, env: { DB } }).sweep()
    expect(await subjectsOf(sid)).toEqual([`erased ${shop.user.id}`])
    expect(read().map(([event]) => event)).toEqual(['sweep_failed', 'sweep_failed', 'sweep_unfinished'])
  })
})
