import { evictAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { runCron } from '../../src/cron.ts'
import { StorageUnavailable } from '../../src/lib/storage_error.ts'
import { timers } from '../../src/lib/timers.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { D1_DOWN } from '../support/faults.ts'
import {
  copyRow,
  emptyIndexDatabases,
  type IndexBinding,
  type IndexDatabases,
  LISTED_1,
  LISTED_2,
  NEW_1,
  NEW_2,
  placesOf,
  serverWith,
  setObjects,
  subjectsOf,
} from '../support/index_databases.ts'
import {
  erase,
  exchangeCode,
  type IndexShop,
  listPages,
  listSessionsOf,
  logOut,
  newShop,
  openSession,
  refreshGuest,
  runAlarm,
  withdraw,
} from '../support/index_shop.ts'
import { TestCaller, TestOperator } from '../support/operator.ts'
import { emptyStores } from '../support/server.ts'
import { objectOf, readObject, runAlarms, sweepObjects } from '../support/session_objects.ts'
import { readSession } from '../support/session_stores.ts'

const DAY = 86_400

const BOTH = [NEW_1, NEW_2]

/** Between two looks at the state of a pause. */
const PAUSE_MS = 5

const isAddition = (sql: string) => sql.includes('INSERT INTO session_index')
const isRemoval = (sql: string) => sql.includes('DELETE FROM session_index')
const isRead = (sql: string) => /SELECT[^;]+session_index/.test(sql)

/** A database in which matching calls wait until the test resumes them. */
function pausedD1(matches: (sql: string) => boolean, db: D1Database) {
  const state = { isReached: false, isResumed: false }
  const paused = aroundD1(async (sql, call) => {
    if (matches(sql)) state.isReached = true
    // The object and the test cannot wait for one promise.
    while (matches(sql) && !state.isResumed)
      await new Promise<void>((resolve) => timers.start(resolve, PAUSE_MS))
    return call()
  }, db)
  return { paused, state }
}

/** The calls for the index, by the binding. */
function countCalls(calls: string[]): Record<IndexBinding, D1Database> {
  const count = (name: IndexBinding) =>
    aroundD1((sql, call) => {
      if (sql.includes('session_index')) calls.push(`${name}: ${sql.trim().split(' ')[0]}`)
      return call()
    }, env[name])
  return { DB: count('DB'), INDEX_1: count('INDEX_1'), INDEX_2: count('INDEX_2') }
}

function silence(level: 'error' | 'warn' | 'info') {
  const log = vi.spyOn(console, level).mockImplementation(() => {})
  onTestFinished(() => log.mockRestore())
  return log
}

async function emptyAll(): Promise<void> {
  await emptyStores()
  await emptyIndexDatabases()
}

describe('databases of the index of sessions', () => {
  beforeEach(emptyAll)

  it('the row of a session of a code is in DB at the exchange, and the object moves it to one of the databases', async () => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sids: string[] = []
    for (let i = 0; i < 12; i++) sids.push(await openSession(shop))
    for (const sid of sids) expect(await placesOf(sid)).toEqual(['DB'])
    await runAlarms()
    const places = await Promise.all(sids.map(placesOf))
    expect(new Set(places.map((found) => found.join()))).toEqual(new Set(['INDEX_1', 'INDEX_2']))
    expect(await readObject(objectOf(sids[0] ?? ''), 'SELECT * FROM index_changes')).toEqual([])
    expect((await listSessionsOf(shop)).sort()).toEqual(sids.sort())
  })

  it('the row of any other session goes to one of the databases, without a call to DB', async () => {
    const shop = await newShop(BOTH)
    const calls: string[] = []
    await setObjects(BOTH, countCalls(calls))
    const sid = await refreshGuest(shop)
    await runAlarms()
    const [place] = await placesOf(sid)
    expect(['INDEX_1', 'INDEX_2']).toContain(place)
    expect(calls).toEqual([`${place}: INSERT`])
  })

  it('without further databases, an exchange, an alarm and a list make the calls of one database', async () => {
    const calls: string[] = []
    const shop = await newShop([], { env: countCalls(calls) })
    await setObjects([], countCalls(calls))
    const sid = await openSession(shop)
    expect(await readObject(objectOf(sid), 'SELECT * FROM index_changes')).toEqual([])
    calls.length = 0
    const guest = await refreshGuest(shop)
    await runAlarms()
    expect(await listSessionsOf(shop)).toEqual([sid])
    await logOut(shop)
    expect(calls).toEqual(['DB: INSERT', 'DB: SELECT', 'DB: SELECT'])
    expect([await placesOf(sid), await placesOf(guest)]).toEqual([['DB'], ['DB']])
  })

  it('the end of a session removes its rows from every database', async () => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sid = await openSession(shop)
    await runAlarms()
    const [from = 'DB'] = await placesOf(sid)
    for (const to of ['DB', 'INDEX_1', 'INDEX_2'] as const) if (to !== from) await copyRow(sid, from, to)
    expect(await placesOf(sid)).toEqual(['DB', 'INDEX_1', 'INDEX_2'])
    await sweepObjects(shop.server.clock.time + 60 * DAY)
    expect(await placesOf(sid)).toEqual([])
  })

  it('a list removes the rows of a lost session from every database', async () => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sid = await openSession(shop)
    await runAlarms()
    const [from = 'DB'] = await placesOf(sid)
    await copyRow(sid, from, 'DB')
    await readObject(objectOf(sid), 'DELETE FROM sessions WHERE sid = ?', sid)
    shop.server.clock.time += 600
    expect(await listSessionsOf(shop)).toEqual([])
    expect(await placesOf(sid)).toEqual([])
  })

  describe('pages of a list', () => {
    /** Sessions that began before the databases, with one of them and with both, and duplicates of some. */
    async function fill(): Promise<{ shop: IndexShop; sids: string[] }> {
      const shop = await newShop(BOTH)
      const sids: string[] = []
      for (const databases of [[], [NEW_1, LISTED_2], BOTH] as IndexDatabases[]) {
        await setObjects(databases)
        const before = { ...shop, server: serverWith(databases, { clock: shop.server.clock }) }
        for (const continent of ['EU', 'NA', 'AS', 'EU']) {
          // Two sessions of each four begin in the same second.
          if (continent !== 'AS') shop.server.clock.time += 1
          sids.push(await openSession(before, { continent }))
        }
        await runAlarms()
      }
      for (const sid of sids.slice(2, 9)) {
        const places = await placesOf(sid)
        await copyRow(sid, places[0] ?? 'DB', places.includes('INDEX_2') ? 'DB' : 'INDEX_2')
      }
      return { shop, sids }
    }

    it('each page of a user and of a client has the next sessions of all databases once, in both directions', async () => {
      const { shop, sids } = await fill()
      const { server, user, client } = shop
      const rows = await Promise.all(
        sids.map((sid) => readSession(sid, 'started_at, sid') as Promise<{ started_at: number }[]>),
      )
      const started = new Map(sids.map((sid, i) => [sid, rows[i]?.[0]?.started_at ?? 0]))
      const ascending = [...sids].sort(
        (a, b) => (started.get(a) ?? 0) - (started.get(b) ?? 0) || (a < b ? -1 : 1),
      )
      for (const owner of [
        { subject: user.id, clientId: null },
        { subject: null, clientId: client.id },
      ])
        for (const isDescending of [true, false])
          for (const isBackwards of [true, false])
            for (const limit of [1, 3, 5, 50]) {
              const pages = await listPages(server, owner, { isDescending, isBackwards, limit })
              const expected = isDescending === isBackwards ? ascending : ascending.toReversed()
              expect(pages.flat()).toEqual(expected)
              expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true)
            }
    })

    it('the admin API lists and counts the sessions of all databases', async () => {
      const { shop, sids } = await fill()
      await env.DB.prepare('DELETE FROM audit_events WHERE sid IS NOT NULL').run()
      const operator = await TestOperator.signIn(shop.server)
      const { body } = await operator.get(`/sessions?subject=${shop.user.id}`)
      expect((body.items as { sid: string }[]).map(({ sid }) => sid).sort()).toEqual(sids.sort())
      expect(body.total).toBe(12)
    })
  })
})

/** The operations that find a session by the index. Each one resolves after it found the session. */
const OPERATIONS: [string, { hasConsent: boolean }, (shop: IndexShop, sid: string) => Promise<void>][] = [
  ['a list', { hasConsent: false }, async (shop, sid) => expect(await listSessionsOf(shop)).toEqual([sid])],
  [
    'a logout',
    { hasConsent: false },
    async (shop, sid) => {
      await logOut(shop)
      expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'signed out in the browser' }])
    },
  ],
  [
    'a withdrawal',
    { hasConsent: true },
    async (shop, sid) => {
      await withdraw(shop)
      expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'its consent was withdrawn' }])
    },
  ],
  [
    'an erasure',
    { hasConsent: false },
    async (shop, sid) => {
      await erase(shop)
      const pseudonym = expect.stringMatching(/^user:erased-/)
      expect(await readSession(sid, 'subject')).toEqual([{ subject: pseudonym }])
      for (const subject of await subjectsOf(sid)) expect(subject).toEqual(pseudonym)
    },
  ],
]

describe.each(OPERATIONS)('%s and a row that moves', (_name, options, operate) => {
  beforeEach(emptyAll)

  it('finds the session before the move, in both databases and after the move', async () => {
    const shop = await newShop(BOTH)
    const sid = await openSession(shop, options)
    expect(await placesOf(sid)).toEqual(['DB'])
    await operate(shop, sid)

    await emptyAll()
    const second = await newShop(BOTH)
    const { paused, state } = pausedD1(isRemoval, env.DB)
    await setObjects(BOTH, { DB: paused })
    const moving = await openSession(second, options)
    const alarm = runAlarm(moving)
    await vi.waitUntil(() => state.isReached)
    expect(await placesOf(moving)).toHaveLength(2)
    await operate(second, moving)
    state.isResumed = true
    await alarm
    expect(await placesOf(moving)).toHaveLength(1)
    expect(await placesOf(moving)).not.toContain('DB')
    expect(await subjectsOf(moving)).toEqual(
      ((await readSession(moving, 'subject')) as { subject: string }[]).map(({ subject }) => subject),
    )

    await emptyAll()
    const third = await newShop(BOTH)
    await setObjects(BOTH)
    const moved = await openSession(third, options)
    await runAlarms()
    expect(await placesOf(moved)).not.toContain('DB')
    await operate(third, moved)
  })

  it('finds the session if the row moves between the reads of the databases', async () => {
    let move: (() => Promise<void>) | null = null
    let moves = 0
    const moveOnce = async () => {
      const run = move
      move = null
      if (run !== null) moves++
      await run?.()
    }
    for (const isAfterRead of [true, false]) {
      await emptyAll()
      const DB = aroundD1(async (sql, call) => {
        if (isRead(sql) && !isAfterRead) await moveOnce()
        const result = await call()
        if (isRead(sql) && isAfterRead) await moveOnce()
        return result
      })
      const shop = await newShop(BOTH, { env: { DB } })
      await setObjects(BOTH)
      const sid = await openSession(shop, options)
      move = () => runAlarm(sid)
      await operate(shop, sid)
      expect(await placesOf(sid)).not.toContain('DB')
    }
    expect(moves).toBe(2)
  })

  it('finds the session if the exchange adds its row to DB after the object has sent it', async () => {
    let isLate = true
    const DB = aroundD1(async (sql, call) => {
      if (isAddition(sql) && isLate) await runAlarms()
      return call()
    })
    const shop = await newShop(BOTH, { env: { DB } })
    await setObjects(BOTH)
    const sid = await openSession(shop, options)
    isLate = false
    expect(await placesOf(sid)).toHaveLength(2)
    await operate(shop, sid)
    await sweepObjects(shop.server.clock.time + 60 * DAY)
    expect(await placesOf(sid)).toEqual([])
  })
})

describe('an erasure and the index', () => {
  beforeEach(emptyAll)

  it('replaces the id in a row that the object read before and adds after the erasure', async () => {
    const shop = await newShop(BOTH)
    const [first, second] = [pausedD1(isAddition, env.INDEX_1), pausedD1(isAddition, env.INDEX_2)]
    await setObjects(BOTH, { INDEX_1: first.paused, INDEX_2: second.paused })
    const sid = await openSession(shop)
    const alarm = runAlarm(sid)
    await vi.waitUntil(() => first.state.isReached || second.state.isReached)
    await erase(shop)
    first.state.isResumed = true
    second.state.isResumed = true
    await alarm
    expect(await subjectsOf(sid)).toEqual([shop.user.id])
    await shop.server.cron()
    const pseudonym = expect.stringMatching(/^user:erased-/)
    expect(await subjectsOf(sid)).toEqual([pseudonym])
    expect(await readSession(sid, 'subject')).toEqual([{ subject: pseudonym }])
  })

  it('replaces the id in every database, also if the row is in several', async () => {
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const sids = [await openSession(shop, { continent: 'EU' }), await openSession(shop, { continent: 'AS' })]
    await runAlarms()
    for (const sid of sids) await copyRow(sid, (await placesOf(sid))[0] ?? 'DB', 'DB')
    await erase(shop)
    for (const sid of sids)
      expect(await subjectsOf(sid)).toEqual([1, 2].map(() => expect.stringMatching(/^user:erased-/)))
  })
})

describe('a change of the list of databases', () => {
  beforeEach(emptyAll)

  it('a call that is repeated after the change puts the row into two databases, and lists show it once', async () => {
    silence('error')
    const shop = await newShop(BOTH)
    const DB = aroundD1(async (sql, call) => {
      if (isRemoval(sql)) throw new Error('the connection was lost')
      return call()
    })
    await setObjects([NEW_1, LISTED_2], { DB })
    const sid = await openSession(shop)
    await runAlarm(sid)
    expect(await placesOf(sid)).toEqual(['DB', 'INDEX_1'])
    await setObjects([LISTED_1, NEW_2])
    await runAlarm(sid)
    expect(await placesOf(sid)).toEqual(['INDEX_1', 'INDEX_2'])
    expect(await listSessionsOf(shop)).toEqual([sid])
    await runAlarm(sid)
    await sweepObjects(shop.server.clock.time + 60 * DAY)
    expect(await placesOf(sid)).toEqual([])
  })

  it('a database without new_sessions gets no rows, and its rows are found and removed', async () => {
    const shop = await newShop([LISTED_1, NEW_2])
    await setObjects([NEW_1])
    const before = await openSession(shop)
    await runAlarms()
    await setObjects([LISTED_1, NEW_2])
    shop.server.clock.time += 1
    const later: string[] = []
    for (let i = 0; i < 6; i++) later.push(await openSession(shop))
    await runAlarms()
    expect(await placesOf(before)).toEqual(['INDEX_1'])
    for (const sid of later) expect(await placesOf(sid)).toEqual(['INDEX_2'])
    expect((await listSessionsOf(shop)).sort()).toEqual([before, ...later].sort())
    await sweepObjects(shop.server.clock.time + 60 * DAY)
    expect(await placesOf(before)).toEqual([])
  })

  it('without new_sessions, new rows stay in DB again', async () => {
    const shop = await newShop([LISTED_1, LISTED_2])
    await setObjects(BOTH)
    const moved = await openSession({ ...shop, server: serverWith(BOTH, { clock: shop.server.clock }) })
    await runAlarms()
    await setObjects([LISTED_1, LISTED_2])
    const sid = await openSession(shop)
    const guest = await refreshGuest(shop)
    await runAlarms()
    expect([await placesOf(sid), await placesOf(guest)]).toEqual([['DB'], ['DB']])
    expect((await listSessionsOf(shop)).sort()).toEqual([moved, sid].sort())
  })

  it.each<[string, IndexDatabases, IndexDatabases, IndexBinding[]]>([
    ['an isolate without the databases, and an object that only lists them', [], [LISTED_1], ['DB']],
    ['an isolate that only lists them, and an object that uses them', [LISTED_1], [NEW_1], ['DB']],
    ['an isolate that uses them, and an object that only lists them', [NEW_1], [LISTED_1], ['DB']],
    ['an isolate and an object that use them', [NEW_1], [NEW_1], ['INDEX_1']],
  ])('each session is found during the deployments: %s', async (_case, isolate, objects, places) => {
    const shop = await newShop(isolate)
    await setObjects(objects)
    const [sid, guest] = [await openSession(shop), await refreshGuest(shop)]
    await runAlarms()
    expect(await placesOf(sid)).toEqual(places)
    expect(await placesOf(guest)).toHaveLength(1)
    expect(await readObject(objectOf(sid), 'SELECT * FROM index_changes')).toEqual([])
    const clients = await listPages(
      shop.server,
      { subject: null, clientId: shop.client.id },
      { isDescending: true, isBackwards: false, limit: 50 },
    )
    expect(clients.flat().sort()).toEqual([sid, guest].sort())
    await logOut(shop)
    expect(await readSession(sid, 'end_reason')).toEqual([{ end_reason: 'signed out in the browser' }])
  })
})

describe('a database of the index that is down', () => {
  beforeEach(emptyAll)

  it('lists, logouts, withdrawals and erasures fail, and refreshes and new sessions continue', async () => {
    const errors = silence('error')
    silence('warn')
    const shop = await newShop(BOTH)
    await setObjects(BOTH)
    const [session, consented] = [await openSession(shop), await openSession(shop, { hasConsent: true })]
    await runAlarms()
    const operator = await TestOperator.confirmed(shop.server)
    const { clock } = shop.server
    const inOutage = { ...shop, server: serverWith(BOTH, { clock, env: { INDEX_2: D1_DOWN } }) }
    const during = new TestCaller(inOutage.server, operator.tokens)
    const refused = await during.get(`/sessions?subject=${shop.user.id}`)
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '2'])
    await expect(listSessionsOf(inOutage)).rejects.toThrow(StorageUnavailable)
    await expect(logOut(inOutage)).rejects.toThrow(StorageUnavailable)
    await expect(withdraw(inOutage)).rejects.toThrow(StorageUnavailable)
    const tokens = await inOutage.server.signIn(shop.client, 'guest', 'guest')
    await inOutage.server.refresh(shop.client, tokens.refresh_token)
    const { sid: opened } = await exchangeCode(inOutage)
    expect(await placesOf(opened)).toEqual(['DB'])
    await runCron(inOutage.server.services, () => {})
    expect(errors.mock.calls.map(([line]) => JSON.parse(String(line)).event)).toContain('sweep_failed')

    // The cron trigger ends the sessions that the logout and the withdrawal did not reach.
    await shop.server.cron()
    expect(await readSession(session, 'end_reason')).toEqual([{ end_reason: 'signed out in the browser' }])
    expect(await readSession(consented, 'end_reason')).toEqual([{ end_reason: 'its consent was withdrawn' }])
  })

  it.each(BOTH)(
    'an object keeps its rows until $binding is back, and refreshes continue',
    async ({ binding }) => {
      const errors = silence('error')
      const shop = await newShop(BOTH)
      await setObjects(BOTH, { [binding]: D1_DOWN })
      const sids: string[] = []
      // So many that both databases get some of them.
      for (let i = 0; i < 20; i++) sids.push(await openSession(shop))
      const guest = await refreshGuest(shop)
      await runAlarms()
      await runAlarms()
      expect(errors.mock.calls.map(([line]) => JSON.parse(String(line)).event)).toContain(
        'session_object_not_sent',
      )
      for (const sid of sids) expect(await placesOf(sid)).toContain('DB')
      expect((await listSessionsOf(shop)).sort()).toEqual(sids.sort())
      await setObjects(BOTH)
      await runAlarms()
      for (const sid of [...sids, guest]) {
        expect(await placesOf(sid)).toHaveLength(1)
        expect(await placesOf(sid)).not.toContain('DB')
      }
      expect(await readObject(objectOf(sids[0] ?? ''), 'SELECT * FROM index_changes')).toEqual([])
    },
  )

  it('an object whose Worker lacks a binding keeps its rows', async () => {
    const errors = silence('error')
    const shop = await newShop(BOTH)
    await setObjects([{ binding: 'INDEX_9', new_sessions: true }])
    const sid = await openSession(shop)
    await runAlarms()
    expect(JSON.parse(String(errors.mock.calls[0]?.[0])).cause).toContain('the binding INDEX_9 is missing')
    expect(await placesOf(sid)).toEqual(['DB'])
    await setObjects(BOTH)
    await runAlarms()
    expect(await placesOf(sid)).not.toContain('DB')
  })
})

describe('the operation of these databases', () => {
  beforeEach(emptyAll)

  it('after the repair of a restored database, objects send its rows again, and those in DB stay there', async () => {
    silence('info')
    const shop = await newShop(BOTH)
    await setObjects([])
    const old = await openSession({ ...shop, server: serverWith([], { clock: shop.server.clock }) })
    await setObjects(BOTH)
    const sids = [await openSession(shop), await openSession(shop), await refreshGuest(shop)]
    await runAlarms()
    await emptyIndexDatabases()
    await env.DB.prepare("INSERT OR REPLACE INTO copy_changes (name) VALUES ('restore')").run()
    // An object without memory reads the lists of changed records at its alarm.
    await evictAllDurableObjects()
    await setObjects(BOTH)
    for (const sid of [old, ...sids]) await runAlarm(sid)
    expect(await placesOf(old)).toEqual(['DB'])
    for (const sid of sids) {
      expect(await placesOf(sid)).toHaveLength(1)
      expect(await placesOf(sid)).not.toContain('DB')
    }
  })

  it('their sizes are in the statistics, an outage keeps the service ready, and a missing binding is named', async () => {
    const log = silence('warn')
    const sizes = await serverWith(BOTH).services.databaseSizes.readAndWarn()
    expect(sizes.map(({ name }) => name)).toEqual(['DB', 'INDEX_1', 'INDEX_2'])
    const { services } = serverWith(BOTH, { env: { INDEX_1: D1_DOWN } })
    expect(await services.readiness.findFailing()).toEqual([])
    expect((await services.databaseSizes.readAndWarn()).map(({ bytes }) => bytes)).toContain(null)
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      expect.objectContaining({ event: 'database_size_unknown', name: 'INDEX_1' }),
    ])
    expect(() => serverWith([{ binding: 'INDEX_9' }]).services).toThrow('the binding INDEX_9 is missing')
  })
})
