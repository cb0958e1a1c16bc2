import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { readFeed } from '../support/feed.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { addPasskey } from '../support/passkey.ts'
import { enrol } from '../support/second_factor.ts'
import { TestServer } from '../support/server.ts'

const MISSING = problem(404, 'not-found', 'The record or path does not exist', {
  detail: 'The factor does not exist.',
})

describe('the second factors of a user', () => {
  const server = new TestServer()
  let admin: TestOperator
  let support: TestOperator

  beforeAll(async () => {
    admin = await TestOperator.signIn(server)
    support = await TestOperator.signIn(server, ['support'])
  })

  /** A user with an app, a passkey and a session. */
  async function userWithFactors(changes: Parameters<TestServer['addUser']>[0] = {}) {
    const user = await server.addUser(changes)
    const app = await enrol(server, user)
    const passkey = await addPasskey(server, user, 'Ann’s phone')
    return { ...user, app, passkey, path: `/users/${user.id}/factors` }
  }
  const idsOf = async (path: string) =>
    ((await admin.get(path)).body.items as { factor_id: string }[]).map(({ factor_id: id }) => id)

  it('support lists the factors with times and the number of recovery codes, and no response has a secret', async () => {
    const addedAt = server.clock.time
    const { id, path, app, passkey } = await userWithFactors()
    const expected = [
      {
        factor_id: 'totp',
        kind: 'totp',
        name: null,
        created_at: addedAt,
        last_used_at: null,
        recovery_codes_left: 10,
      },
      {
        factor_id: passkey.id,
        kind: 'passkey',
        name: 'Ann’s phone',
        created_at: server.clock.time,
        last_used_at: null,
        recovery_codes_left: null,
      },
    ]
    const { status, headers, body } = await support.get(path)
    expect([status, body]).toEqual([200, { items: expected }])
    expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
    const confirmed = await TestOperator.confirmed(server)
    const exported = await confirmed.get(`/users/${id}/export`)
    expect(exported.body.factors).toEqual(expected)
    const stored = await env.DB.prepare('SELECT sealed_secret FROM totp_factors WHERE subject = ?').bind(id)
    const sealed = (await stored.first<string>('sealed_secret')) ?? ''
    const secrets = [sealed, app.started.secret, passkey.credentialId, ...app.recoveryCodes]
    for (const secret of secrets) expect(JSON.stringify([body, exported.body])).not.toContain(secret)
  })

  it('the removal of a factor leaves the others, ends every session, and is in the audit trail with the operator', async () => {
    const client = await server.addClient()
    for (const [factor, left, reason] of [
      ['totp', 'passkey', 'the authenticator app and the recovery codes were removed'],
      ['passkey', 'totp', 'the passkey ID was removed'],
    ] as const) {
      const user = await userWithFactors()
      const ids = { totp: 'totp', passkey: user.passkey.id }
      const tokens = await server.signIn(client, user.username)
      const removed = await support.delete(`${user.path}/${ids[factor]}`)
      expect([removed.status, removed.body]).toEqual([204, {}])
      expect(await idsOf(user.path)).toEqual([ids[left]])
      await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
      expect((await readFeed(server)).revocations).toContainEqual(expect.objectContaining({ sub: user.id }))
      const { items } = (await support.get(`/audit?subject=${user.id}&kind=cut_off`)).body
      const cause = { reason: reason.replace('ID', user.passkey.id), actor: support.id }
      const change = { operation: 'removeFactor', from: { factors: [ids[factor]] } }
      expect(items).toMatchObject([{ ...cause, change }])
      const again = await support.delete(`${user.path}/${ids[factor]}`)
      expect([again.status, again.body]).toEqual([404, MISSING])
      const { end } = (await support.get(`/sessions/${await newestSid(user.id)}/timeline`)).body
      expect(end).toMatchObject(cause)
    }
  })

  it('the removal of all factors leaves none, and recovery codes of before are removed too', async () => {
    const user = await userWithFactors()
    expect((await support.delete(user.path)).status).toBe(204)
    expect(await idsOf(user.path)).toEqual([])
    expect(await rowsOf(user.id)).toEqual({ totp_factors: 0, recovery_codes: 0, passkeys: 0 })
    const [event] = await auditOf({ kind: 'cut_off', subject: user.id })
    expect(event).toMatchObject({ reason: 'the second factors were removed', actor: support.id })
    const again = await support.delete(user.path)
    expect([again.status, again.body]).toEqual([404, MISSING])
  })

  it('the factor of another user is not found, and the sessions of both users continue', async () => {
    const [user, other] = [await userWithFactors(), await server.addUser()]
    const client = await server.addClient()
    const tokens = await server.signIn(client, other.username)
    const { status, body } = await support.delete(`/users/${other.id}/factors/${user.passkey.id}`)
    expect([status, body]).toEqual([404, MISSING])
    expect(await idsOf(user.path)).toEqual(['totp', user.passkey.id])
    expect((await server.refresh(client, tokens.refresh_token)).access_token).toEqual(expect.any(String))
  })

  it('only an admin with a confirmation removes the factors of an operator, and no operator removes their own', async () => {
    const user = await userWithFactors({ pool: 'operators', roles: ['support'] })
    const typeOf = async (operator: TestOperator, path: string) => {
      const { status, body } = await operator.delete(path)
      return [status, body.type]
    }
    const problemType = (code: string) => `urn:problem-type:sallyport:${code}`
    for (const path of [user.path, `${user.path}/totp`]) {
      expect(await typeOf(support, path)).toEqual([403, problemType('role-missing')])
      expect(await typeOf(admin, path)).toEqual([403, problemType('confirmation-required')])
    }
    const confirmed = await TestOperator.confirmed(server)
    await enrol(server, { id: confirmed.id, username: 'own' })
    expect(await typeOf(confirmed, `/users/${confirmed.id}/factors`)).toEqual([409, problemType('oneself')])
    expect(await idsOf(user.path)).toEqual(['totp', user.passkey.id])
    expect((await confirmed.delete(user.path)).status).toBe(204)
    expect(await idsOf(user.path)).toEqual([])
  })

  it('the erasure of a user removes the factors', async () => {
    const { id, username } = await userWithFactors()
    const confirmed = await TestOperator.confirmed(server)
    expect((await confirmed.post(`/users/${id}/erase`, { username })).status).toBe(204)
    expect(await rowsOf(id)).toEqual({ totp_factors: 0, recovery_codes: 0, passkeys: 0 })
  })
})

async function newestSid(subject: string): Promise<string> {
  const select = env.DB.prepare(
    `SELECT sid FROM audit_events WHERE subject = ? AND kind = 'issue' ORDER BY id DESC`,
  )
  return (await select.bind(subject).first<string>('sid')) ?? ''
}

/** The numbers of rows of a user. */
async function rowsOf(subject: string): Promise<Record<string, unknown> | null> {
  const counts = ['totp_factors', 'recovery_codes', 'passkeys'].map(
    (table) => `(SELECT count(*) FROM ${table} WHERE subject = ?1) AS ${table}`,
  )
  return env.DB.prepare(`SELECT ${counts.join(', ')}`)
    .bind(subject)
    .first()
}
