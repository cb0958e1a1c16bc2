import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HolderQuery } from '../../src/sessions/holder_conditions.ts'
import { HOLDER_COPY_SECONDS, HOLDER_KNOWLEDGE_SECONDS } from '../../src/storage/copy_ages.ts'
import {
  CopyPlace,
  countMarks,
  emptyCopyTables,
  listCopies,
  makeCopyTables,
} from '../support/holder_copies.ts'
import { emptyStores, TestServer } from '../support/server.ts'

const { refreshAfter, max } = HOLDER_KNOWLEDGE_SECONDS

/** A place with a client and a user, and the query of a refresh at a time. */
async function newScene() {
  const server = new TestServer()
  const [client, user] = [await server.addClient(), await server.addUser()]
  const start = server.clock.time
  const queryAt = (now: number, changes: Partial<HolderQuery> = {}): HolderQuery => ({
    clientId: client.id,
    api: 'storefront',
    pool: 'customers',
    secretHash: null,
    clientKey: null,
    subject: user.id,
    kind: 'exchanged',
    jti: null,
    issuedAt: start,
    now,
    ...changes,
  })
  return { place: new CopyPlace(), server, client, user, start, queryAt }
}

const sql = (text: string, ...values: unknown[]) =>
  env.DB.prepare(text)
    .bind(...values)
    .run()

describe('the copies of a holder', () => {
  beforeAll(async () => {
    await emptyStores()
    await makeCopyTables()
  })
  beforeEach(emptyCopyTables)
  afterAll(emptyStores)

  it('the first check reads the holder from D1 once, and later checks read no holder', async () => {
    const { place, user, start, queryAt } = await newScene()
    const first = await place.run(queryAt(start))
    expect(first).toMatchObject({ knownAt: start, holder: { problem: null, user: { id: user.id } } })
    expect(first.results).toHaveLength(1)
    expect(place.reads.toSorted()).toEqual(['copies', 'lists'])
    expect(await place.run(queryAt(start + 3))).toMatchObject({ knownAt: start, holder: { problem: null } })
    expect(place.reads).toHaveLength(2)
    expect(await countMarks()).toBe(2)
  })

  it('a copy of a user equals the record in D1 except the password hash, which stays in D1', async () => {
    const { place, user, start, queryAt } = await newScene()
    const profile = '{"name":"Ann \\"A\\" Ö","email":"ann@shop.test","email_verified":true}'
    await sql('UPDATE users SET profile = ?, deletion_at = 7 WHERE id = ?', profile, user.id)
    const { holder } = await place.run(queryAt(start))
    const { results } = await env.DB.prepare('SELECT * FROM users WHERE id = ?').bind(user.id).all()
    const { version: _, search: __, kept_sid: ___, kept_from: ____, ...record } = results[0] ?? {}
    const [{ as_of, read_at, ...copy } = {}] = await listCopies('users')
    expect(copy).toEqual({ ...record, password_hash: '' })
    expect(holder.user).toMatchObject({
      profileJson: profile,
      verifiedEmail: 'ann@shop.test',
      passwordHash: '',
    })
  })

  it('a check reads the lists in the background after some seconds, and then it knows more', async () => {
    const { place, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    expect(await place.run(queryAt(start + refreshAfter))).toMatchObject({ knownAt: start })
    expect(place.reads.slice(2)).toEqual(['lists'])
    const later = start + refreshAfter + 1
    expect(await place.run(queryAt(later))).toMatchObject({ knownAt: start + refreshAfter })
  })

  it('a check waits for the lists if its knowledge is older than the maximum', async () => {
    const { place, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    place.main.suffer('before it is made')
    expect(await place.run(queryAt(start + max))).toMatchObject({ knownAt: start })
    await expect(place.run(queryAt(start + max + 1))).rejects.toThrow('the call fails before it is made')
    place.main.comeBack()
    const [one, two] = [place.start(queryAt(start + max + 2)), place.start(queryAt(start + max + 2))]
    expect(await one).toMatchObject({ knownAt: start + max + 2, holder: { problem: null } })
    expect(await two).toMatchObject({ knownAt: start + max + 2, holder: { problem: null } })
    expect(place.reads.toSorted()).toEqual(['copies', 'lists', 'lists', 'lists', 'lists'])
  })

  it.each([
    [
      'disabled',
      'enabled = 0, tokens_valid_from = max(tokens_valid_from, unixepoch() + 3)',
      'the user is disabled',
    ],
    ['moved to another pool', "pool = 'staff'", 'the user belongs to another pool'],
    ['signed out everywhere', 'tokens_valid_from = 9000000000', 'all sessions of the user were ended later'],
  ])('a user who was %s is refused as soon as the lists were read', async (_, change, problem) => {
    const { place, user, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    await sql(`UPDATE users SET ${change} WHERE id = ?`, user.id)
    const stale = await place.run(queryAt(start + refreshAfter))
    expect(stale).toMatchObject({ knownAt: start, holder: { problem: null } })
    const now = start + refreshAfter + 1
    expect(await place.run(queryAt(now))).toMatchObject({ knownAt: now, holder: { problem } })
    expect(await countMarks()).toBe(2)
  })

  it('a deleted user is refused, and no copy stays', async () => {
    const { place, user, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    await sql('DELETE FROM users WHERE id = ?', user.id)
    await place.run(queryAt(start + refreshAfter))
    expect(await listCopies('users')).toEqual([])
    const { holder } = await place.run(queryAt(start + refreshAfter + 1))
    expect(holder).toMatchObject({ problem: 'the user was deleted', user: null })
    expect(await countMarks()).toBe(2)
  })

  it('a removed role is in no token that was known after the removal', async () => {
    const { place, user, start, queryAt } = await newScene()
    await sql(`UPDATE users SET roles = '["buyer","admin"]' WHERE id = ?`, user.id)
    await place.run(queryAt(start))
    const before = start + 4
    await sql(`UPDATE users SET roles = '["buyer"]', access_valid_from = ? WHERE id = ?`, before, user.id)
    for (const age of [1, 2, refreshAfter, refreshAfter + 1, refreshAfter + 2, max]) {
      const { holder, knownAt } = await place.run(queryAt(start + age))
      const roles = knownAt >= before ? ['buyer'] : holder.user?.roles
      expect([age, holder.problem, holder.user?.roles]).toEqual([age, null, roles])
    }
    expect((await place.run(queryAt(start + max + 1))).holder.user?.roles).toEqual(['buyer'])
  })

  it('a retired secret is refused as soon as the lists were read, and a new secret is accepted at once', async () => {
    const { place, client, start, queryAt } = await newScene()
    const secretOf = (hash: string, expiresAt: number | null) =>
      sql(
        'INSERT INTO client_secrets (secret_hash, client_id, created_at, expires_at) VALUES (?, ?, 1, ?)',
        hash,
        client.id,
        expiresAt,
      )
    const [old, fresh] = [`old ${client.id}`, `new ${client.id}`]
    await secretOf(old, null)
    expect((await place.run(queryAt(start, { secretHash: old }))).holder.problem).toBeNull()
    await secretOf(fresh, null)
    expect(await place.run(queryAt(start + 1, { secretHash: fresh }))).toMatchObject({
      knownAt: start + 1,
      holder: { problem: null },
    })
    await sql('UPDATE client_secrets SET expires_at = ? WHERE secret_hash = ?', start + 2, old)
    await place.run(queryAt(start + refreshAfter, { secretHash: fresh }))
    const refused = await place.run(queryAt(start + refreshAfter + 1, { secretHash: old }))
    expect(refused.holder.problem).toBe('the client secret was retired')
    expect(await countMarks()).toBe(3)
  })

  it('a secret that ends in the future is refused from its end on without a read of the lists', async () => {
    const { place, client, start, queryAt } = await newScene()
    const values = [`ending ${client.id}`, client.id, start + 2]
    await sql(
      'INSERT INTO client_secrets (secret_hash, client_id, created_at, expires_at) VALUES (?, ?, 1, ?)',
      ...values,
    )
    const secretHash = `ending ${client.id}`
    expect((await place.run(queryAt(start + 1, { secretHash }))).holder.problem).toBeNull()
    expect((await place.run(queryAt(start + 2, { secretHash }))).holder.problem).toBe(
      'the client secret was retired',
    )
  })

  it('a disabled client is refused as soon as the lists were read, also for guests', async () => {
    const { place, client, start, queryAt } = await newScene()
    const guest = { subject: null }
    await place.run(queryAt(start, guest))
    await sql('UPDATE clients SET enabled = 0 WHERE client_id = ?', client.id)
    await place.run(queryAt(start + refreshAfter, guest))
    const { holder } = await place.run(queryAt(start + refreshAfter + 1, guest))
    expect(holder).toMatchObject({ problem: 'the client is disabled or was deleted', user: null })
    expect(await listCopies('users')).toEqual([])
  })

  it('a user who was enabled again is not refused by an old copy', async () => {
    const { place, user, start, queryAt } = await newScene()
    await sql('UPDATE users SET enabled = 0 WHERE id = ?', user.id)
    expect((await place.run(queryAt(start))).holder.problem).toBe('the user is disabled')
    await sql('UPDATE users SET enabled = 1 WHERE id = ?', user.id)
    expect((await place.run(queryAt(start + 1))).holder.problem).toBeNull()
  })

  it('a token that is newer than the knowledge waits for D1, and so does a revocation in the copies', async () => {
    const { place, user, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    const newer = await place.run(queryAt(start + 3, { issuedAt: start + 2 }))
    expect(newer.knownAt).toBe(start + 3)
    expect(place.reads.filter((read) => read === 'copies')).toHaveLength(1)
    await sql('UPDATE users SET access_valid_from = ? WHERE id = ?', start + 12, user.id)
    expect(await place.run(queryAt(start + 8))).toMatchObject({ knownAt: start + 3 })
    for (const age of [9, 10, 13]) {
      expect(await place.run(queryAt(start + age))).toMatchObject({ knownAt: start + age })
    }
    expect(await place.run(queryAt(start + 14))).toMatchObject({ knownAt: start + 13 })
  })

  it('a failed read of D1 runs no statement, and the lists are read again after some seconds', async () => {
    const { place, start, queryAt } = await newScene()
    place.main.suffer('before it is made')
    await expect(place.run(queryAt(start))).rejects.toThrow('the call fails before it is made')
    expect(await countMarks()).toBe(0)
    place.main.comeBack()
    await place.run(queryAt(start + 1))
    expect(place.reads).toEqual(['lists', 'copies', 'copies'])
    place.main.suffer('before it is made')
    expect(await place.run(queryAt(start + 31))).toMatchObject({ knownAt: start + 1 })
    await expect(place.run(queryAt(start + 32))).rejects.toThrow('the call fails before it is made')
    expect(await countMarks()).toBe(2)
  })

  it('more changes than one read gives remove every copy that can lack a change', async () => {
    const { place, user, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    await sql('UPDATE users SET enabled = 0 WHERE id = ?', user.id)
    await sql(`INSERT INTO user_changes (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
      SELECT 'user:other-' || i FROM n`)
    await place.run(queryAt(start + refreshAfter))
    expect(await listCopies('users')).toEqual([])
    expect(await listCopies('clients')).toHaveLength(1)
    const { holder } = await place.run(queryAt(start + refreshAfter + 1))
    expect(holder.problem).toBe('the user is disabled')
  })

  it('a copy that was read before a change is not kept if the lists already have the change', async () => {
    const { place, user, start, queryAt } = await newScene()
    place.main.judge = (call) => (call.includes('user_changes WHERE') ? null : 'hangs after it is done')
    const slow = place.start(queryAt(start))
    await expect.poll(() => place.reads).toContain('copies')
    await expect.poll(() => place.main.running).toBe(0)
    await sql('UPDATE users SET enabled = 0 WHERE id = ?', user.id)
    const other = { ...queryAt(start + refreshAfter), subject: null }
    void place.start(other).catch(() => {})
    await place.settle()
    place.main.comeBack()
    expect(await slow).toMatchObject({ knownAt: start, holder: { problem: null } })
    expect(await listCopies('users')).toEqual([])
    const { holder } = await place.run(queryAt(start + refreshAfter + 1))
    expect(holder.problem).toBe('the user is disabled')
  })

  it('a caller whose clock is ahead gives later callers no knowledge', async () => {
    const { place, user, start, queryAt } = await newScene()
    await place.run(queryAt(start + 3600))
    await sql('UPDATE users SET enabled = 0 WHERE id = ?', user.id)
    const { holder, knownAt } = await place.run(queryAt(start + 1))
    expect([holder.problem, knownAt]).toEqual(['the user is disabled', start + 1])
  })

  it('no token is dated after the time of its request if clocks differ by a second', async () => {
    const { place, start, queryAt } = await newScene()
    await place.run(queryAt(start + 2))
    expect(await place.run(queryAt(start + 1))).toMatchObject({ knownAt: start + 1 })
    expect(place.reads.filter((read) => read === 'copies')).toHaveLength(1)
  })

  it('a copy is used for a day', async () => {
    const { place, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    const end = start + HOLDER_COPY_SECONDS.max
    expect(await place.run(queryAt(end - 1))).toMatchObject({ knownAt: end - 1 })
    expect(place.reads.filter((read) => read === 'copies')).toHaveLength(1)
    await place.run(queryAt(end))
    expect(place.reads.filter((read) => read === 'copies')).toHaveLength(2)
    expect((await listCopies('users')).map(({ read_at }) => read_at)).toEqual([end])
  })

  it('a read of D1 writes an unchanged copy again only after half a day', async () => {
    const { place, start, queryAt } = await newScene()
    const readAt = async () => (await listCopies('users')).map(({ read_at }) => read_at)
    await place.run(queryAt(start))
    const refused = { secretHash: 'unknown' }
    await place.run(queryAt(start + HOLDER_COPY_SECONDS.rewriteAfter, refused))
    expect(await readAt()).toEqual([start])
    const later = start + HOLDER_COPY_SECONDS.rewriteAfter + 1
    await place.run(queryAt(later, refused))
    expect(await readAt()).toEqual([later])
  })

  it('an object that starts again uses its copies after one read of the lists', async () => {
    const { place, server, start, queryAt } = await newScene()
    await place.run(queryAt(start))
    const other = await server.addUser()
    const again = new CopyPlace()
    await again.run({ ...queryAt(start + 3600), subject: other.id })
    expect(await again.run(queryAt(start + 3601))).toMatchObject({ knownAt: start + 3600 })
    expect(again.reads.toSorted()).toEqual(['copies', 'lists'])
  })

  it('a restore of D1 from a backup removes every copy', async () => {
    const { place, user, start, queryAt } = await newScene()
    await sql('UPDATE users SET enabled = 0 WHERE id = ?', user.id)
    await sql('UPDATE users SET enabled = 1 WHERE id = ?', user.id)
    await place.run(queryAt(start))
    await env.DB.batch(
      [
        'UPDATE users SET enabled = 0',
        'DELETE FROM user_changes',
        "DELETE FROM sqlite_sequence WHERE name = 'user_changes'",
      ].map((text) => env.DB.prepare(text)),
    )
    await place.run(queryAt(start + refreshAfter))
    const { holder } = await place.run(queryAt(start + refreshAfter + 1))
    expect(holder.problem).toBe('the user is disabled')
  })

  it.each([
    ['jti', { jti: 'a' }, 'the token was revoked'],
    ['browser session', { browserId: 'a' }, 'the browser session ended'],
    ['consent', { consentId: 'a' }, 'the consent was withdrawn'],
  ])(
    'the copies refuse a query for a %s, because they do not have its revocations',
    async (_, changes, problem) => {
      const { place, start, queryAt } = await newScene()
      expect((await place.run(queryAt(start, changes))).holder.problem).toBe(problem)
      expect(await countMarks()).toBe(0)
    },
  )
})
