import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ArchiveErasureStore } from '../../src/audit/archive_erasure_store.ts'
import { idOfSuccessor } from '../../src/audit/archive_object.ts'
import { ArchivedEventStore } from '../../src/audit/archived_event_store.ts'
import { AuditArchiveStore } from '../../src/audit/audit_archive_store.ts'
import { sweepStores } from '../../src/cron.ts'
import { type AroundCall, aroundD1 } from '../support/around_d1.ts'
import { AUDIT_BINDINGS, countIn, LAYOUTS, selectEverywhere } from '../support/audit_databases.ts'
import {
  deliverHistory,
  emptyArchive,
  expectLists,
  findEverywhere,
  keysInBucket,
  makeHistory,
  requireBucket,
} from '../support/audit_history.ts'
import { archiveServer, batchedEvents, useLayout } from '../support/audit_sink.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores } from '../support/server.ts'

const DAY = 86_400
const SUBJECT = 'visitor:1'
const PSEUDONYM = 'visitor:erased-x'

/** All texts of the archive: D1, and the bucket with objects that are not listed. */
async function allTexts(): Promise<string> {
  const batches = await selectEverywhere('SELECT events FROM audit_batches')
  const rows = await selectEverywhere('SELECT name, blocks FROM audit_archives')
  const objects = await Promise.all(
    (await keysInBucket()).map(async (key) => (await requireBucket().get(key))?.text()),
  )
  return JSON.stringify([batches, rows, objects])
}

const listErasure = (subject = SUBJECT, pseudonym = PSEUDONYM) =>
  env.DB.prepare('INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?, ?, 9e9)')
    .bind(subject, pseudonym)
    .run()

const idsOf = (events: readonly { id: number }[]) => events.map(({ id }) => id).sort()

const unfinished = async () => {
  const { results } = await env.DB.prepare(
    'SELECT subject FROM erasures WHERE archive_from IS NOT NULL ORDER BY subject',
  ).all<{ subject: string }>()
  return results.map(({ subject }) => subject)
}

/** The erasure in all databases, with calls that a test changes. */
function erasureOn(around: AroundCall, change: (archive: AuditArchiveStore) => void = () => {}) {
  const databases = AUDIT_BINDINGS.map((name) => {
    const db = aroundD1(around, env[name])
    const archive = new AuditArchiveStore(db, requireBucket())
    change(archive)
    return { db, archive }
  })
  const all = databases.map(({ db }) => db)
  const archived = new ArchivedEventStore(all, requireBucket())
  return new ArchiveErasureStore(aroundD1(around), { databases, archived })
}

const unchanged: AroundCall = (_sql, call) => call()

/** Events of one subject within some hours of a day. */
function eventsOf(subject: string, { count, at, id }: { count: number; at: number; id: number }) {
  return Array.from({ length: count }, (_, i) => ({
    id: id + i,
    at: at + i,
    kind: 'refresh',
    outcome: 'ok',
    reason: 'refreshed',
    subject,
    client_id: 'shop',
    device: 'Chrome on Android',
    country: 'DE',
    address_prefix: '198.51.100.0/24',
  }))
}

const stateOfErasure = () =>
  env.DB.prepare('SELECT archive_from FROM erasures WHERE subject = ?').bind(SUBJECT).first('archive_from')

/** The history as it is after the erasure. */
function erased(events: ReturnType<typeof makeHistory>) {
  return events.map((event) => {
    if (event.subject !== SUBJECT) return event
    const { device, country, address_prefix, ...rest } = event
    return { ...rest, id: event.id, at: event.at, subject: PSEUDONYM }
  })
}

describe.each(LAYOUTS)('the erasure of users in the archive of audit events $title', (layout) => {
  useLayout(layout)
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it.each([1, 4])(
    'a run of the cron trigger replaces the subject in batches and objects of %i partitions, and keeps each event',
    async (partitions) => {
      const { server } = archiveServer({ config: { audit_archive: { partitions } } })
      const events = makeHistory(server.clock.time, 8)
      await deliverHistory(server, events)
      await server.cron()
      await listErasure()
      await server.cron()
      await server.cron()
      expect(await stateOfErasure()).toBeNull()
      expect(await allTexts()).not.toContain(`"${SUBJECT}"`)
      const { inD1, inR2 } = await findEverywhere()
      expect([...inD1, ...inR2].sort()).toEqual(idsOf(events))
      await expectLists(server, erased(events), [
        { subject: PSEUDONYM },
        { subject: SUBJECT },
        { subject: 'visitor:2' },
      ])
    },
  )

  it('objects with the data of an erased user are deleted, also if a run ends in the middle', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const events = makeHistory(server.clock.time, 8)
    await deliverHistory(server, events)
    await server.cron()
    await listErasure()
    for (const text of ['INSERT INTO audit_archives', 'SET removed_at = 0', 'UPDATE erasures']) {
      const broken = erasureOn(async (sql, call) => {
        if (sql.includes(text)) throw new Error('the connection was lost')
        return call()
      })
      const run = async () => {
        while (await broken.eraseNext(server.clock.time));
      }
      await expect(run()).rejects.toThrow('the connection was lost')
      const { inD1, inR2 } = await findEverywhere()
      expect([...inD1, ...inR2].sort()).toEqual(idsOf(events))
    }
    server.clock.time += 3601
    await server.cron()
    await server.cron()
    expect(await allTexts()).not.toContain(`"${SUBJECT}"`)
    await expectLists(server, erased(events), [{ subject: PSEUDONYM }])
  })

  it('the erasure of a user with 8000 events in one object keeps each event, and the next user is erased too', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const day = server.clock.time - (server.clock.time % DAY) - 6 * DAY
    const events = [
      ...eventsOf('visitor:a', { count: 8000, at: day, id: 2 ** 52 }),
      ...eventsOf('visitor:b', { count: 10, at: day, id: 2 ** 52 + 10_000 }),
    ]
    await deliverHistory(server, events)
    await server.cron()
    await listErasure('visitor:a', 'visitor:erased-a')
    await listErasure('visitor:b', 'visitor:erased-b')
    const erasure = erasureOn(unchanged)
    while (await erasure.eraseNext(server.clock.time));
    expect(await unfinished()).toEqual([])
    const { inD1, inR2 } = await findEverywhere()
    expect([...inD1, ...inR2].sort()).toEqual(idsOf(events))
    const counts = await selectEverywhere<{ subject: string }>(
      "SELECT event.value ->> 'subject' AS subject, count(*) AS n FROM audit_batches, json_each(events) AS event GROUP BY 1",
    )
    expect(counts.sort((a, b) => (a.subject < b.subject ? -1 : 1))).toEqual([
      { subject: 'visitor:erased-a', n: 8000 },
      { subject: 'visitor:erased-b', n: 10 },
    ])
    // The rows of one insertion have the same start of their ids.
    const insertions = await selectEverywhere<{ events: number; bytes: number }>(
      'SELECT sum(size) AS events, sum(length(events)) AS bytes FROM audit_batches GROUP BY substr(id, 1, 12)',
    )
    expect(Math.max(...insertions.map(({ events }) => events))).toBe(2000)
    expect(Math.max(...insertions.map(({ bytes }) => bytes))).toBeLessThan(1_000_000)
  })

  it('a failure for one user does not stop the erasure of the next one, also in a run of the cron trigger', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    await deliverHistory(server, makeHistory(server.clock.time, 8))
    await server.cron()
    await listErasure('visitor:0', 'visitor:erased-0')
    await listErasure('visitor:2', 'visitor:erased-2')
    let isDown = true
    const erasure = erasureOn(unchanged, (archive) => {
      const read = archive.read.bind(archive)
      vi.spyOn(archive, 'read').mockImplementation(async (name) => {
        if (!isDown) return read(name)
        isDown = false
        throw new Error('R2 is down')
      })
    })
    const { services } = server
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    await sweepStores({ ...services, archiveErasure: erasure }, server.context())
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      expect.objectContaining({ event: 'sweep_failed', table: 'audit_batches (erased users)' }),
    ])
    expect(await unfinished()).toEqual(['visitor:0'])
    expect(await allTexts()).toContain('visitor:erased-2')
    await sweepStores({ ...services, archiveErasure: erasure }, server.context())
    expect(await unfinished()).toEqual([])
  })

  it('two runs that replace the same object list one successor', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1 } } })
    const events = makeHistory(server.clock.time, 8)
    await deliverHistory(server, events)
    await server.cron()
    await listErasure()
    const erase = async (erasure: ArchiveErasureStore) => {
      while (await erasure.eraseNext(server.clock.time));
    }
    // The second run does all its work between the reads and the writes of the first one.
    let isFirst = true
    const slow = erasureOn(async (sql, call) => {
      if (isFirst && sql.includes('SET removed_at = 0')) {
        isFirst = false
        await erase(erasureOn(unchanged))
      }
      return call()
    })
    await erase(slow)
    const { inD1, inR2 } = await findEverywhere()
    expect([...inD1, ...inR2].sort()).toEqual(idsOf(events))
    const listed = await selectEverywhere<{ n: number }>(
      'SELECT day, count(*) AS n FROM audit_archives WHERE removed_at IS NULL GROUP BY day',
    )
    expect(listed.map(({ n }) => n)).toEqual(listed.map(() => 1))
  })

  it('one run erases up to 50 users in the archive, and the next run erases the others', async () => {
    const { server } = archiveServer()
    for (let i = 0; i < 60; i++) await listErasure(`visitor:${i}`, `visitor:erased-${i}`)
    await server.sweep()
    expect(await unfinished()).toHaveLength(10)
    await server.sweep()
    expect(await unfinished()).toEqual([])
  })

  it('users who were erased before the archive existed are finished after the migration', async () => {
    const migration = env.TEST_MIGRATIONS.find(({ name }) => name.startsWith('0041'))
    const ofErasures = migration?.queries.filter((sql) => sql.includes('erasures')) ?? []
    await env.DB.exec('ALTER TABLE erasures DROP COLUMN archive_from')
    await listErasure()
    await env.DB.batch(ofErasures.map((sql) => env.DB.prepare(sql)))
    await listErasure('visitor:2')
    expect(await unfinished()).toEqual(['visitor:2'])
  })

  it('the name of the successor of an object sorts after the place of an export in the object', () => {
    let name = 'audit/2026-01-01/0-of-1/abcdefghijkl.ndjson'
    for (let i = 0; i < 12; i++) {
      const successor = `audit/2026-01-01/0-of-1/${idOfSuccessor(name, i % 2 ? 'aaaaaaaaaaaa' : '_____-______')}.ndjson`
      expect(successor > `${name} `).toBe(true)
      name = successor
    }
    expect(name).toHaveLength('audit/2026-01-01/0-of-1/abcdefghijkl.v000012-aaaaaaaaaaaa.ndjson'.length)
  })

  it('the list of erasures keeps a user until the archive has no data of the user', async () => {
    const { server } = archiveServer()
    await deliverHistory(server, makeHistory(server.clock.time, 2))
    await env.DB.prepare('INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?, ?, 1)')
      .bind(SUBJECT, PSEUDONYM)
      .run()
    await server.services.erasures.sweep(server.clock.time, 10)
    expect(await stateOfErasure()).toBe(0)
    while (await server.services.archiveErasure.eraseNext(server.clock.time));
    await server.sweep()
    expect(await countIn('erasures')).toEqual([0, 0, 0])
  })

  it('a guest who signed in as an erased user is erased too, and events in the queue get the pseudonyms', async () => {
    const { server, sink } = archiveServer()
    const client = await server.addClient()
    const user = await server.addUser()
    const operator = await TestOperator.confirmed(server)
    const guest = await server.signIn(client, 'guest', 'guest')
    await sink.flush(server)
    const parameters = { grant_type: 'password', client_id: client.id, client_secret: client.secret }
    const customer = await server.requireTokens({
      ...parameters,
      username: user.username,
      password: 'correct horse battery staple',
      visitor_access_token: guest.access_token,
    })
    const visitor = decodeJwt(guest.access_token).sub ?? ''
    expect(decodeJwt(customer.access_token).sub).toBe(user.id)
    const { status } = await operator.post(`/users/${user.id}/erase`, { username: user.username })
    expect(status).toBe(204)
    await sink.flush(server)
    await server.cron()
    const subjects = (await batchedEvents())
      .filter(({ client_id }) => client_id === client.id)
      .map(({ subject }) => subject)
    expect(subjects).toEqual([
      expect.stringMatching(/^visitor:erased-/),
      expect.stringMatching(/^user:erased-/),
    ])
    const text = await allTexts()
    expect([text.includes(visitor), text.includes(user.id)]).toEqual([false, false])
  })

  it('an event that arrives after its erasure is finished gets the pseudonym in each database', async () => {
    const { server } = archiveServer()
    await listErasure()
    while (await server.services.archiveErasure.eraseNext(server.clock.time));
    expect(await unfinished()).toEqual([])
    const events = makeHistory(server.clock.time, 2)
    await deliverHistory(server, events)
    expect(await allTexts()).not.toContain(`"${SUBJECT}"`)
    await expectLists(server, erased(events), [{ subject: PSEUDONYM }])
  })

  it('an event that the queue delivers days after the last token has expired gets the pseudonym', async () => {
    const token = { access_token_lifetime: 300, refresh_token_lifetime: 300 }
    const { server, sink } = archiveServer({ config: token })
    const client = await server.addClient()
    const user = await server.addUser()
    const admin = await TestOperator.confirmed(server)
    await server.signIn(client, user.username)
    await server.settle()
    expect(sink.messages.length).toBeGreaterThan(0)
    const { status } = await admin.post(`/users/${user.id}/erase`, { username: user.username })
    expect(status).toBe(204)
    for (let day = 0; day < 4; day++) {
      server.clock.time += DAY
      await server.cron()
    }
    await sink.flush(server)
    const ofClient = (await batchedEvents()).filter(({ client_id }) => client_id === client.id)
    expect(ofClient.map(({ subject }) => subject)).toEqual([expect.stringMatching(/^user:erased-/)])
    expect(await allTexts()).not.toContain(user.id)
    server.clock.time += 11 * DAY
    await server.cron()
    expect(await countIn('erasures')).toEqual([0, 0, 0])
  })

  it.each(AUDIT_BINDINGS.slice(0, 1 + (layout.config.audit_databases?.length ?? 0)))(
    'the erasure is unfinished until %s has no event of the user',
    async (binding) => {
      const { server } = archiveServer()
      const events = makeHistory(server.clock.time, 2)
      await deliverHistory(server, events)
      await listErasure()
      let isDown = true
      const db = aroundD1(async (sql, call) => {
        if (isDown && sql.includes('AS part')) throw new Error('the connection was lost')
        return call()
      }, env[binding])
      const failing = archiveServer({ env: { [binding]: db } }).server.services.archiveErasure
      await expect(failing.eraseNext(server.clock.time)).rejects.toThrow('the connection was lost')
      expect(await unfinished()).toEqual([SUBJECT])
      isDown = false
      while (await failing.eraseNext(server.clock.time));
      expect(await unfinished()).toEqual([])
      expect(await allTexts()).not.toContain(`"${SUBJECT}"`)
      await expectLists(server, erased(events), [{ subject: PSEUDONYM }])
    },
  )
})
