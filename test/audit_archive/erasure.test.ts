import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { ArchiveErasureStore } from '../../src/audit/archive_erasure_store.ts'
import { ArchivedEventStore } from '../../src/audit/archived_event_store.ts'
import { AuditArchiveStore } from '../../src/audit/audit_archive_store.ts'
import { aroundD1 } from '../support/around_d1.ts'
import {
  deliverHistory,
  emptyBucket,
  expectLists,
  findEverywhere,
  keysInBucket,
  makeHistory,
  requireBucket,
} from '../support/audit_history.ts'
import { archiveServer, batchedEvents } from '../support/audit_sink.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores } from '../support/server.ts'

const SUBJECT = 'visitor:1'
const PSEUDONYM = 'visitor:erased-x'

/** All texts of the archive: D1, and the bucket with objects that are not listed. */
async function allTexts(): Promise<string> {
  const batches = await env.DB.prepare('SELECT events FROM audit_batches').all()
  const rows = await env.DB.prepare('SELECT name, blocks FROM audit_archives').all()
  const objects = await Promise.all(
    (await keysInBucket()).map(async (key) => (await requireBucket().get(key))?.text()),
  )
  return JSON.stringify([batches.results, rows.results, objects])
}

const listErasure = () =>
  env.DB.prepare('INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?, ?, 9e9)')
    .bind(SUBJECT, PSEUDONYM)
    .run()

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

describe('the erasure of users in the archive of audit events', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyBucket()
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
      expect([...inD1, ...inR2].sort()).toEqual(events.map(({ id }) => id).sort())
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
      const db = aroundD1(async (sql, call) => {
        if (sql.includes(text)) throw new Error('the connection was lost')
        return call()
      })
      const parts = {
        archive: new AuditArchiveStore(db, requireBucket()),
        archived: new ArchivedEventStore(db, requireBucket()),
      }
      const broken = new ArchiveErasureStore(db, parts)
      const run = async () => {
        while (await broken.eraseNext(server.clock.time));
      }
      await expect(run()).rejects.toThrow('the connection was lost')
      const { inD1, inR2 } = await findEverywhere()
      expect([...inD1, ...inR2].sort()).toEqual(events.map(({ id }) => id).sort())
    }
    server.clock.time += 3601
    await server.cron()
    await server.cron()
    expect(await allTexts()).not.toContain(`"${SUBJECT}"`)
    await expectLists(server, erased(events), [{ subject: PSEUDONYM }])
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
    await server.services.erasures.sweep(server.clock.time, 10)
    expect(await env.DB.prepare('SELECT count(*) AS n FROM erasures').first('n')).toBe(0)
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
      ...{ ...parameters, username: user.username, password: 'correct horse battery staple' },
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
})
