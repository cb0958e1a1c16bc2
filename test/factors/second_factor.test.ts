import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { totpCodeOf, totpStepOf } from '../../src/factors/totp.ts'
import { type GivenFactor, verifySecondFactor } from '../../src/factors/verify_second_factor.ts'
import { aroundD1, isDeferredWrite } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import { decodeBase32 } from '../support/base32.ts'
import { TestOperator } from '../support/operator.ts'
import { enrol, wrongCode } from '../support/second_factor.ts'
import { emptyStores, TestServer } from '../support/server.ts'

const CLIENT = { clientId: 'shop', api: 'storefront' }

const addWithApp = async (server: TestServer) => enrol(server, await server.addUser())

function check(server: TestServer, subject: string, given: GivenFactor, address: string | null = null) {
  return verifySecondFactor({ ...CLIENT, subject, given }, server.services, { ...server.context(), address })
}

const totp = (code: string): GivenFactor => ({ kind: 'totp', code })
const recovery = (code: string): GivenFactor => ({ kind: 'recovery_code', code })

describe('an authenticator app', () => {
  beforeEach(emptyStores)

  it('an app is stored after its first code, sealed, and the user gets ten recovery codes', async () => {
    const server = new TestServer()
    const { user, started, secret, recoveryCodes } = await addWithApp(server)
    expect(started.uri).toContain(`otpauth://totp/Slow%20Pour:${encodeURIComponent(user.username)}?secret=`)
    expect(started.qr).toMatch(/^<svg /)
    expect(recoveryCodes).toHaveLength(10)
    const rows = await env.DB.prepare('SELECT * FROM totp_factors').all()
    const codes = await env.DB.prepare('SELECT * FROM recovery_codes').all()
    const stored = JSON.stringify([rows.results, codes.results])
    expect(rows.results).toHaveLength(1)
    expect(codes.results).toHaveLength(10)
    for (const text of [
      base64url.encode(secret),
      started.secret,
      ...recoveryCodes,
      recoveryCodes[0]?.replaceAll('-', ''),
    ])
      expect(stored).not.toContain(text)
    const found = await server.services.users.findByUsername(user.pool, user.username, 'primary')
    expect(found?.hasTotp).toBe(true)
    await server.settle()
    expect(await auditOf({ kind: 'factor' })).toMatchObject([
      { subject: user.id, reason: 'an authenticator app was added', client_id: 'shop', outcome: 'ok' },
    ])
  })

  it('an app is not stored with a wrong code, the form of another user, an old form or a deleted user', async () => {
    const server = new TestServer()
    const [ann, bob] = [await server.addUser(), await server.addUser()]
    const names = { account: 'ann', service: 'Shop' }
    const { sealed, secret } = await server.services.authenticatorApps.start(
      { subject: ann.id, ...names },
      server.clock.time,
    )
    const code = await totpCodeOf(decodeBase32(secret.replaceAll(' ', '')), totpStepOf(server.clock.time))
    const confirm = (subject: string, changes: { code?: string; sealed?: string } = {}) =>
      server.services.authenticatorApps.confirm(
        { ...CLIENT, subject, sealed, code, isFirst: false, ...changes },
        server.context(),
      )
    expect(await confirm(ann.id, { code: '12345' })).toEqual({ kind: 'wrong_code' })
    expect(await confirm(ann.id, { code: code === '000000' ? '000001' : '000000' })).toEqual({
      kind: 'wrong_code',
    })
    expect(await confirm(bob.id)).toEqual({ kind: 'expired' })
    expect(await confirm(ann.id, { sealed: `${sealed.slice(0, -4)}AAAA` })).toEqual({ kind: 'expired' })
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(ann.id).run()
    expect(await confirm(ann.id)).toEqual({ kind: 'expired' })
    server.clock.time += 1800
    expect(await confirm(ann.id)).toEqual({ kind: 'expired' })
    expect(await env.DB.prepare('SELECT count(*) AS n FROM totp_factors').first('n')).toBe(0)
  })

  it('a code is accepted once over all locations, also if many isolates send it at the same time', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    const code = await codeAt(server.clock.time)
    const isolates = Array.from({ length: 8 }, () => server.anotherIsolate())
    const results = await Promise.all(isolates.map((isolate) => check(isolate, user.id, totp(code))))
    expect(results.map(({ kind }) => kind).sort()).toEqual(['proven', ...Array(7).fill('wrong')])
    expect(results.find(({ kind }) => kind === 'proven')).toMatchObject({
      user: { id: user.id, hasTotp: true },
      amr: ['otp', 'mfa'],
    })
    expect(await check(server, user.id, totp(code))).toEqual({ kind: 'wrong' })
    expect(await check(server, user.id, totp(await codeAt(server.clock.time - 30)))).toEqual({
      kind: 'wrong',
    })
    expect(await check(server, user.id, totp(await codeAt(server.clock.time + 30)))).toMatchObject({
      kind: 'proven',
    })
  })

  it('the code of the enrolment is used, so the sign-in refuses it', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    expect(await check(server, user.id, totp(await codeAt(server.clock.time - 30)))).toEqual({
      kind: 'wrong',
    })
  })

  it('a recovery code is accepted once in any spelling, and users and operators see how many are left', async () => {
    const server = new TestServer()
    const { user, recoveryCodes } = await addWithApp(server)
    const [code = '', other = ''] = recoveryCodes
    const created = { createdAt: server.clock.time - 30, lastUsedAt: null }
    const list = () => server.services.factors.list(user.id)
    expect(await list()).toEqual([
      { kind: 'totp', ...created, left: null },
      { kind: 'recovery_codes', ...created, left: 10 },
    ])
    const typed = code.toLowerCase().replaceAll('-', ' ')
    expect(await check(server, user.id, recovery(typed))).toMatchObject({
      kind: 'proven',
      amr: ['otp', 'mfa'],
    })
    expect(await check(server, user.id, recovery(code))).toEqual({ kind: 'wrong' })
    expect(await check(server, user.id, recovery('no code'))).toEqual({ kind: 'wrong' })
    const bob = await addWithApp(server)
    expect(await check(server, bob.user.id, recovery(other))).toEqual({ kind: 'wrong' })
    const isolates = [server.anotherIsolate(), server.anotherIsolate(), server.anotherIsolate()]
    const results = await Promise.all(isolates.map((isolate) => check(isolate, user.id, recovery(other))))
    expect(results.map(({ kind }) => kind).sort()).toEqual(['proven', 'wrong', 'wrong'])
    expect((await list())[1]).toMatchObject({
      kind: 'recovery_codes',
      left: 8,
      lastUsedAt: server.clock.time,
    })
  })

  it('new recovery codes replace the old ones, and the removal of the app removes them too', async () => {
    const server = new TestServer()
    const { user, change, codeAt, recoveryCodes } = await addWithApp(server)
    const [old = ''] = recoveryCodes
    const [fresh = ''] = await server.services.authenticatorApps.renewRecoveryCodes(change, server.context())
    expect(await check(server, user.id, recovery(old))).toEqual({ kind: 'wrong' })
    expect(await check(server, user.id, recovery(fresh))).toMatchObject({ kind: 'proven' })
    const removal = { ...change, remaining: null }
    expect(await server.services.authenticatorApps.remove(removal, server.context())).toBe(true)
    expect(await server.services.authenticatorApps.remove(removal, server.context())).toBe(false)
    expect(await check(server, user.id, totp(await codeAt(server.clock.time)))).toEqual({ kind: 'wrong' })
    expect(await server.services.factors.list(user.id)).toEqual([])
    const found = await server.services.users.findByUsername(user.pool, user.username, 'primary')
    expect(found?.hasTotp).toBe(false)
    const reasons = (await auditOf({ kind: 'factor' })).map(({ reason }) => reason)
    expect(reasons.sort()).toEqual([
      'an authenticator app was added',
      'the authenticator app and the recovery codes were removed',
      'the recovery codes were replaced',
    ])
    await server.services.authenticatorApps.renewRecoveryCodes(change, server.context())
    expect(await server.services.factors.list(user.id)).toEqual([])
  })

  it('a disabled user proves no second factor, and a deleted user leaves no row', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    await env.DB.prepare('UPDATE users SET enabled = 0 WHERE id = ?').bind(user.id).run()
    expect(await check(server, user.id, totp(await codeAt(server.clock.time)))).toEqual({ kind: 'wrong' })
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(user.id).run()
    const tables = ['totp_factors', 'recovery_codes', "sign_in_failures WHERE kind = 'second_factor'"]
    for (const table of tables)
      expect(await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first('n')).toBe(0)
    expect(await check(server, user.id, totp('123456'))).toEqual({ kind: 'wrong' })
  })
})

describe('wrong second factors', () => {
  beforeEach(emptyStores)

  it('a check costs one read and one write, whether the code is right, wrong or unknown', async () => {
    let calls = 0
    const DB = aroundD1((sql, call) => {
      if (!isDeferredWrite(sql)) calls++
      return call()
    })
    const server = new TestServer({ env: { DB } })
    const { user, codeAt, recoveryCodes } = await addWithApp(server)
    const countOf = async (given: GivenFactor) => {
      calls = 0
      const { kind } = await check(server, user.id, given, '192.0.2.1')
      return [kind, calls]
    }
    const right = await codeAt(server.clock.time)
    expect(await countOf(totp(right))).toEqual(['proven', 2])
    expect(await countOf(totp(right))).toEqual(['wrong', 2])
    expect(await countOf(totp(await wrongCode({ codeAt }, server.clock.time)))).toEqual(['wrong', 2])
    expect(await countOf(recovery(recoveryCodes[0] ?? ''))).toEqual(['proven', 2])
    expect(await countOf(recovery(recoveryCodes[0] ?? ''))).toEqual(['wrong', 2])
  })

  it('ten wrong codes lock the second factor at all locations for 60 s, and each further lock takes twice as long', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    const wrong = totp(await wrongCode({ codeAt }, server.clock.time))
    const isolates = Array.from({ length: 10 }, () => server.anotherIsolate())
    const guess = (count: number) =>
      Promise.all(isolates.slice(0, count).map((isolate) => check(isolate, user.id, wrong)))
    expect(await guess(9)).toEqual(Array(9).fill({ kind: 'wrong' }))
    expect(await guess(1)).toEqual([{ kind: 'locked', retryAfterSeconds: 60 }])
    const right = totp(await codeAt(server.clock.time))
    expect(await check(server, user.id, right)).toEqual({ kind: 'locked', retryAfterSeconds: 60 })
    server.clock.time += 60
    const second = await guess(10)
    expect(second.filter(({ kind }) => kind === 'locked')).toEqual([
      { kind: 'locked', retryAfterSeconds: 120 },
    ])
    await Promise.all(isolates.map((isolate) => isolate.settle()))
    const locks = await auditOf({ kind: 'lock' })
    expect(locks.map(({ subject, reason }) => [subject, reason]).sort()).toEqual([
      [user.id, 'second_factor: 10 failed sign-ins, locked for 120 s'],
      [user.id, 'second_factor: 10 failed sign-ins, locked for 60 s'],
    ])
  })

  it('parallel guesses cannot exceed the limit, even if one of them is right', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    const wrong = totp(await wrongCode({ codeAt }, server.clock.time))
    const right = totp(await codeAt(server.clock.time))
    await Promise.all(Array.from({ length: 40 }, () => check(server.anotherIsolate(), user.id, wrong)))
    expect(await check(server, user.id, right)).toMatchObject({ kind: 'locked' })
    const count = await server.services.failures.find(
      { kind: 'second_factor', key: user.id },
      server.clock.time,
    )
    expect(count).toEqual({ failures: 0, lockedUntil: server.clock.time + 60 })
  })

  it('a right code resets the count of the second factor only', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    const wrong = totp(await wrongCode({ codeAt }, server.clock.time))
    for (let i = 0; i < 9; i++) await check(server, user.id, wrong, '192.0.2.1')
    expect(await check(server, user.id, totp(await codeAt(server.clock.time)))).toMatchObject({
      kind: 'proven',
    })
    const { results } = await env.DB.prepare(
      'SELECT kind, failures FROM sign_in_failures ORDER BY kind',
    ).all()
    expect(results).toEqual([
      { kind: 'address', failures: 9 },
      { kind: 'client', failures: 9 },
      { kind: 'network', failures: 9 },
      { kind: 'second_factor', failures: 0 },
    ])
  })

  it('support unlocks the second factor with the account', async () => {
    const server = new TestServer()
    const support = await TestOperator.signIn(server, ['support'])
    const { user, codeAt } = await addWithApp(server)
    const wrong = totp(await wrongCode({ codeAt }, server.clock.time))
    for (let i = 0; i < 10; i++) await check(server, user.id, wrong)
    expect((await support.post(`/users/${user.id}/unlock`)).status).toBe(200)
    const right = totp(await codeAt(server.clock.time))
    expect(await check(server, user.id, right)).toMatchObject({ kind: 'proven' })
  })

  it('an attacker with a pause of an hour between the guesses does not reset the count', async () => {
    const server = new TestServer()
    const { user, codeAt } = await addWithApp(server)
    const results: string[] = []
    for (let i = 0; i < 10; i++) {
      const wrong = totp(await wrongCode({ codeAt }, server.clock.time))
      results.push((await check(server, user.id, wrong)).kind)
      server.clock.time += 7200
    }
    expect(results).toEqual([...Array(9).fill('wrong'), 'locked'])
  })
})

describe('a change of SEALING_KEY', () => {
  beforeEach(emptyStores)

  it('the cron trigger seals the secrets of the apps with the new secret, and codes stay valid at each moment', async () => {
    const secret = base64url.encode(crypto.getRandomValues(new Uint8Array(32)))
    const before = new TestServer()
    const { clock } = before
    const both = new TestServer({ clock, env: { SEALING_KEY_NEXT: secret } })
    const after = new TestServer({ clock, env: { SEALING_KEY: secret } })
    const { user, codeAt } = await addWithApp(before)
    const proves = async (server: TestServer) => {
      clock.time += 30
      return (await check(server, user.id, totp(await codeAt(clock.time)))).kind
    }
    expect(await proves(both)).toBe('proven')
    expect(await proves(after)).toBe('wrong')
    await both.cron()
    const sealed = () => env.DB.prepare('SELECT sealed_secret FROM totp_factors').first('sealed_secret')
    const once = await sealed()
    await both.cron()
    expect(await sealed()).toBe(once)
    expect([await proves(both), await proves(after), await proves(before)]).toEqual([
      'proven',
      'proven',
      'wrong',
    ])
  })
})
