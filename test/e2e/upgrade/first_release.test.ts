import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireConfig } from '../../../scripts/config_file.ts'
import { reservePort } from '../../../scripts/free_port.ts'
import { withLocalStores } from '../../../scripts/local_stores.ts'
import { makeTemporaryDirectory, type ServiceServer, startService } from '../../../scripts/worker_server.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Env } from '../../../src/services/environment.ts'
import {
  AGENCY,
  fillFirstRelease,
  type OldIssuer,
  PASSWORD,
  RETIRED_SECRET,
  SHOP,
} from '../../support/first_release.ts'
import { ServiceCalls } from '../../support/service_calls.ts'
import { serviceBundle } from '../../support/shared_builds.ts'

// The rows of the first release get all later migrations, then this version serves them.

const sealingKey = randomBytes(32).toString('base64url')
const now = systemClock.now()
let service: ServiceServer
let calls: ServiceCalls
let old: OldIssuer

beforeAll(async () => {
  const statePath = makeTemporaryDirectory()
  const port = await reservePort()
  const config = requireConfig({ localPort: String(port) })
  old = await withLocalStores<Env, OldIssuer>({ configPath: 'wrangler.toml', statePath }, ({ DB }) =>
    fillFirstRelease(DB, { config, sealingKey, now }),
  )
  service = await startService(await serviceBundle(), {
    port,
    stateDirectory: join(statePath, 'v3'),
    sealingKey,
  })
  calls = new ServiceCalls(service.origin)
})

afterAll(() => service.close())

const signIn = (username: string, client: Record<string, string> = SHOP) =>
  calls.token({ grant_type: 'password', username, password: PASSWORD, ...client })

const refresh = (token: string, client: Record<string, string> = SHOP) =>
  calls.token({ grant_type: 'refresh_token', refresh_token: token, ...client })

const session = (sid: string, seq: number, subject = 'user:ada') =>
  old.tokens({ sid, subject, clientId: 'shop', seq })

const introspect = async (token: string) =>
  (await calls.post('/oauth2-token/introspect', { token, ...SHOP })).body

/** The refresh token of a successful response. */
function refreshTokenOf({ status, body }: { status: number; body: Record<string, unknown> }): string {
  expect(status).toBe(200)
  return String(body.refresh_token)
}

describe('the rows of the first release, after all migrations', () => {
  it('a user of the first release signs in, and the old signing key signs the tokens', async () => {
    const { status, body } = await signIn('ada@example.com')
    expect(status).toBe(200)
    expect(decodeProtectedHeader(String(body.access_token)).kid).toBe(old.kid)
    expect(decodeJwt(String(body.access_token))).toMatchObject({ sub: 'user:ada', client_id: 'shop' })
  })

  it('an imported hash of the first release verifies and is replaced by Argon2id', async () => {
    expect((await signIn('bob@example.com')).status).toBe(200)
    await expect
      .poll(async () => {
        const row = await service.stores.DB.prepare(
          "SELECT password_hash FROM users WHERE id = 'user:bob'",
        ).first()
        return String(row?.password_hash).slice(0, 10)
      })
      .toBe('$argon2id$')
  })

  it('a disabled user and a wrong password get the same refusal', async () => {
    const disabled = await signIn('carol@example.com')
    const form = { grant_type: 'password', username: 'ada@example.com', password: 'wrong', ...SHOP }
    expect(disabled).toEqual(await calls.token(form))
    expect(disabled.status).toBe(400)
  })

  it('the current refresh token of an old session rotates, and its predecessor is a replay', async () => {
    const next = refreshTokenOf(await refresh((await session('s1.live', 3)).refresh))
    expect(decodeJwt(next)).toMatchObject({ sid: 's1.live', seq: 4, sub: 'user:ada' })
    const replay = await refresh((await session('s1.live', 1)).refresh)
    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await refresh(next)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('the first refresh token of a session without a row starts its row', async () => {
    const next = refreshTokenOf(await refresh((await session('s1.unused', 0)).refresh))
    expect(decodeJwt(next)).toMatchObject({ sid: 's1.unused', seq: 1 })
  })

  it('a guest of the first release refreshes', async () => {
    const guest = { sid: 's1.guest', subject: 'visitor:0123456789abcdef', clientId: 'shop-web', seq: 1 }
    const next = refreshTokenOf(await refresh((await old.tokens(guest)).refresh, { client_id: 'shop-web' }))
    expect(decodeJwt(next)).toMatchObject({ sub: 'visitor:0123456789abcdef', seq: 2 })
  })

  it('a session that ended under the first release stays ended', async () => {
    for (const sid of ['s1.ended', 's1.ended-early']) {
      const { refresh: token, access } = await session(sid, sid === 's1.ended' ? 1 : 0)
      expect(await refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
      expect(await introspect(access)).toEqual({ active: false })
    }
  })

  it('a sign-out under the first release still refuses the older tokens of the user', async () => {
    const { refresh: token, access } = await session('s1.dan', 1, 'user:dan')
    expect(await refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await introspect(access)).toEqual({ active: false })
    expect((await signIn('dan@example.com')).status).toBe(200)
  })

  it('introspection describes a live access token of the first release', async () => {
    const { access } = await session('s1.other', 0)
    expect(await introspect(access)).toMatchObject({ active: true, sub: 'user:ada', sid: 's1.other' })
  })

  it('a live secret works, and a retired secret and a disabled client are refused', async () => {
    const machine = (client: Record<string, string>) =>
      calls.token({ grant_type: 'client_credentials', ...client })
    expect((await machine(SHOP)).status).toBe(200)
    expect((await machine({ ...SHOP, client_secret: RETIRED_SECRET })).status).toBe(401)
    expect((await machine(AGENCY)).status).toBe(401)
  })

  it('the revocation feed lists the revocations of the first release', async () => {
    const { revocations, sequence } = decodeJwt<{ revocations: unknown[]; sequence: number }>(
      await calls.text('/revocations'),
    )
    expect(sequence).toBeGreaterThanOrEqual(5)
    expect(revocations).toEqual(
      expect.arrayContaining([
        { sid: 's1.ended', before: now - 898 },
        { sub: 'user:dan', before: now - 597 },
        { client_id: 'agency', before: now - 597 },
      ]),
    )
  })

  it('the revocation endpoint ends a session of the first release', async () => {
    const { refresh: token, access } = await session('s1.to-revoke', 0)
    expect((await calls.post('/oauth2-token/revoke', { token, ...SHOP })).status).toBe(200)
    expect((await refresh(token)).status).toBe(400)
    expect(await introspect(access)).toEqual({ active: false })
  })

  it('the admin API lists the records of the first release', async () => {
    const operator = String((await signIn('root', { client_id: 'sallyport-cli' })).body.access_token)
    const list = async (path: string, member: string) => {
      const { status, body } = await calls.get(`/admin/api${path}`, operator)
      expect({ path, status }).toEqual({ path, status: 200 })
      return (body.items as Record<string, unknown>[]).map((item) => item[member])
    }
    expect(await list('/users?pool=customers&limit=100', 'id')).toEqual(
      expect.arrayContaining(['user:ada', 'user:bob', 'user:carol', 'user:dan']),
    )
    expect(await list('/clients?limit=100', 'client_id')).toEqual(
      expect.arrayContaining(['shop', 'shop-web', 'agency']),
    )
    expect(await list('/sessions?subject=user:ada&limit=100', 'sid')).toEqual(
      expect.arrayContaining(['s1.live', 's1.ended', 's1.ended-early']),
    )
    expect(await list('/audit?subject=user:dan&kind=cut_off', 'reason')).toEqual([
      'signed out by an operator',
    ])
    expect(await list('/keys', 'kid')).toEqual(expect.arrayContaining([old.kid, 'an-old-key']))
    expect((await calls.get('/admin/api/sessions/s1.ended/timeline', operator)).status).toBe(200)
  })

  it('the cron trigger removes expired rows, and makes old users searchable', async () => {
    await service.runCron()
    const { DB } = service.stores
    const left = await DB.prepare("SELECT key FROM sign_in_failures WHERE key LIKE 'an-address%'").all()
    expect(left.results).toEqual([])
    const operator = String((await signIn('root', { client_id: 'sallyport-cli' })).body.access_token)
    const { body } = await calls.get('/admin/api/users?pool=customers&q=lovelace', operator)
    expect((body.items as { id: string }[]).map(({ id }) => id)).toEqual(['user:ada'])
    expect((await signIn('ada@example.com')).status).toBe(200)
  })
})
