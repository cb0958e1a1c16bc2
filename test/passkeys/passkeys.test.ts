import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { PasskeyRefused } from '../../src/passkeys/passkey_refused.ts'
import type { PasskeyAlgorithm } from '../../src/passkeys/public_key.ts'
import { type GivenPasskey, signInByPasskey } from '../../src/passkeys/sign_in_by_passkey.ts'
import type { User } from '../../src/users/user.ts'
import { aroundD1, isDeferredWrite } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import { emptyStores, ISSUER, TestServer } from '../support/server.ts'
import { type CeremonyChanges, FLAG, SoftwareAuthenticator } from '../support/software_authenticator.ts'

const CLIENT = { clientId: 'shop', api: 'storefront' }
const HOLDER = 'browser'
const POOL = 'customers'
const { UP, UV, BE, BS, AT } = FLAG

const serverWith = (changes: Record<string, unknown> = {}) =>
  new TestServer({
    config: {
      accounts: {
        customers: { passkeys: { rp_id: 'shop.test', ...changes } },
        staff: { passkeys: { rp_id: 'shop.test' } },
      },
    },
  })

/** Starts a registration. @returns the options, and the function that ends it with the response of an authenticator */
async function startRegistration(server: TestServer, user: User) {
  const { id: subject, pool, username } = user
  const account = { subject, pool, username, displayName: 'Ann', service: 'Slow Pour', holder: HOLDER }
  const started = await server.services.passkeys.startRegistration(account, server.clock.time)
  if (started === null) throw new Error('no passkeys')
  const finish = (response: string, changes: Record<string, unknown> = {}) =>
    server.services.passkeys.finishRegistration(
      {
        ...CLIENT,
        subject,
        pool,
        holder: HOLDER,
        name: 'Chrome on Android',
        response,
        isFirst: false,
        sealed: started.sealed,
        ...changes,
      },
      server.context(),
    )
  return { ...started, finish }
}

/** A user with a passkey. */
async function register(server: TestServer, alg: PasskeyAlgorithm = 'ES256', changes: CeremonyChanges = {}) {
  const user = await server.addUser()
  const authenticator = await SoftwareAuthenticator.make(alg, ISSUER)
  const { options, finish } = await startRegistration(server, user)
  const passkey = await finish(await authenticator.create(options, changes))
  return { user, authenticator, passkey }
}

interface SignIn extends CeremonyChanges {
  pool?: string
  subject?: string | null
}

/** Starts a sign-in. @returns the response of the authenticator and the parameters that end the sign-in */
async function startSignIn(
  server: TestServer,
  authenticator: SoftwareAuthenticator,
  { pool = POOL, subject = null, ...changes }: SignIn = {},
): Promise<GivenPasskey> {
  const started = await server.services.passkeys.startAuthentication(
    { pool, subject, holder: HOLDER },
    server.clock.time,
  )
  if (started === null) throw new Error('no passkeys')
  const response = await authenticator.get(started.options, changes)
  return { ...CLIENT, pool, subject, holder: HOLDER, sealed: started.sealed, response }
}

const finishSignIn = (server: TestServer, given: GivenPasskey, address: string | null = null) =>
  signInByPasskey(given, server.services, { ...server.context(), address })

/** The reason of a refusal, which only the log and the audit trail have; null for success. */
async function reasonOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof PasskeyRefused) return error.reason
    throw error
  }
}

const reasonOfSignIn = async (server: TestServer, authenticator: SoftwareAuthenticator, changes?: SignIn) =>
  reasonOf(finishSignIn(server, await startSignIn(server, authenticator, changes)))

const rowsOf = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')

describe('a registration', () => {
  beforeEach(emptyStores)

  it('the options ask for a discoverable passkey without attestation, and exclude the passkeys of the user', async () => {
    const server = serverWith()
    const { user, passkey } = await register(server)
    const { options, sealed } = await startRegistration(server, user)
    expect(options).toEqual({
      rp: { id: 'shop.test', name: 'Slow Pour' },
      user: { id: base64url.encode(user.id), name: user.username, displayName: 'Ann' },
      challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      timeout: 300_000,
      excludeCredentials: [
        { type: 'public-key', id: passkey.credentialId, transports: ['hybrid', 'internal'] },
      ],
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      attestation: 'none',
    })
    expect(sealed).not.toContain(options.challenge)
    expect(
      await server.services.passkeys.startRegistration(
        { ...passkey, ...options.user, username: 'a', service: 's', pool: 'operators', holder: HOLDER },
        0,
      ),
    ).toBeNull()
  })

  it.each<PasskeyAlgorithm>(['ES256', 'EdDSA', 'RS256'])(
    'a passkey of the algorithm %s is stored and signs in',
    async (alg) => {
      const server = serverWith()
      const { user, authenticator, passkey } = await register(server, alg)
      expect(passkey).toEqual({
        id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        credentialId: base64url.encode(authenticator.credentialId),
        publicKey: { alg, jwk: expect.any(Object) },
        signCount: 0,
        isBackupEligible: false,
        isBackedUp: false,
        subject: user.id,
        pool: POOL,
        rpId: 'shop.test',
        transports: ['hybrid', 'internal'],
        name: 'Chrome on Android',
        createdAt: server.clock.time,
        lastUsedAt: null,
      })
      server.clock.time += 100
      const proven = await finishSignIn(server, await startSignIn(server, authenticator))
      expect(proven).toMatchObject({
        user: { id: user.id, hasPasskey: true },
        isUserVerified: true,
        amr: ['hwk', 'user', 'mfa'],
      })
      expect(await server.services.passkeys.list(user.id)).toEqual([
        { ...passkey, lastUsedAt: server.clock.time },
      ])
      await server.settle()
      expect(await auditOf({ kind: 'factor' })).toMatchObject([
        { subject: user.id, outcome: 'ok', reason: `the passkey ${passkey.id} was added`, client_id: 'shop' },
      ])
    },
  )

  it('a challenge is used once over all locations, for its user, its ceremony and 30 minutes', async () => {
    const server = serverWith()
    const [ann, bob] = [await server.addUser(), await server.addUser()]
    const authenticators = await Promise.all([1, 2, 3].map(() => SoftwareAuthenticator.make('ES256', ISSUER)))
    const { options, sealed, finish } = await startRegistration(server, ann)
    const responses = await Promise.all(authenticators.map((authenticator) => authenticator.create(options)))
    const foreign = 'the challenge is expired or belongs to another ceremony'
    const [first = ''] = responses
    expect(await reasonOf(finish(first, { subject: bob.id }))).toBe(foreign)
    expect(await reasonOf(finish(first, { holder: 'another browser' }))).toBe(foreign)
    expect(await reasonOf(finish(first, { sealed: `${sealed.slice(0, -3)}AAA` }))).toBe(foreign)
    const signIn = await server.services.passkeys.startAuthentication(
      { pool: POOL, subject: ann.id, holder: HOLDER },
      server.clock.time,
    )
    expect(await reasonOf(finish(first, { sealed: signIn?.sealed }))).toBe(foreign)
    const reasons = await Promise.all(responses.map((response) => reasonOf(finish(response))))
    const used = 'the challenge was used, the passkey is known, or the user has too many'
    expect(reasons.sort()).toEqual([used, used, null].sort())
    const late = await startRegistration(server, ann)
    const response = await authenticators[1]?.create(late.options)
    server.clock.time += 1800
    expect(await reasonOf(late.finish(response ?? ''))).toBe(foreign)
    expect(await rowsOf('passkeys')).toBe(1)
    await server.sweep()
    expect(await rowsOf('one_time_values')).toBe(0)
  })

  it('a user has at most 20 passkeys, and no two users share one', async () => {
    const server = serverWith()
    const { user, authenticator } = await register(server)
    await env.DB.prepare(
      `INSERT INTO passkeys SELECT 'id' || value, 'c' || value, subject, pool, rp_id, public_key, alg, sign_count, transports,
         name, backup_eligible, backed_up, created_at, last_used_at
       FROM passkeys, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]')`,
    ).run()
    const refused = 'the challenge was used, the passkey is known, or the user has too many'
    const add = async (owner: User, device: SoftwareAuthenticator) => {
      const { options, finish } = await startRegistration(server, owner)
      return reasonOf(finish(await device.create(options)))
    }
    expect(await add(user, await SoftwareAuthenticator.make('EdDSA', ISSUER))).toBeNull()
    expect(await add(user, await SoftwareAuthenticator.make('EdDSA', ISSUER))).toBe(refused)
    expect(await add(await server.addUser(), authenticator)).toBe(refused)
    expect(await rowsOf('passkeys')).toBe(20)
  })

  it('a name is one line of at most 60 characters, and a user renames and removes only own passkeys', async () => {
    const server = serverWith()
    const { user, passkey } = await register(server)
    const { passkeys } = server.services
    const nameOf = async () => (await passkeys.list(user.id))[0]?.name
    for (const [name, kept] of [
      [' My\n\u202ephone ', 'My phone'],
      ['x'.repeat(61), 'x'.repeat(60)],
      ['\u0000', 'Passkey'],
    ] as const) {
      expect(await passkeys.rename({ id: passkey.id, subject: user.id, name })).toBe(true)
      expect(await nameOf()).toBe(kept)
    }
    const bob = await server.addUser()
    expect(await passkeys.rename({ id: passkey.id, subject: bob.id, name: 'x' })).toBe(false)
    const removal = { ...CLIENT, id: passkey.id, remaining: null }
    expect(await passkeys.remove({ ...removal, subject: bob.id }, server.context())).toBe(false)
    expect(await passkeys.remove({ ...removal, subject: user.id }, server.context())).toBe(true)
    const found = await server.services.users.findByUsername(user.pool, user.username, 'primary')
    expect(found?.hasPasskey).toBe(false)
    expect((await auditOf({ kind: 'factor' })).map(({ reason }) => reason).sort()).toEqual([
      `the passkey ${passkey.id} was added`,
      `the passkey ${passkey.id} was removed`,
    ])
  })
})

describe('a sign-in by passkey', () => {
  beforeEach(emptyStores)

  it('the options name no passkey without a known user, and those of a known user', async () => {
    const server = serverWith({ user_verification: 'preferred' })
    const { user, passkey } = await register(server)
    const { passkeys } = server.services
    const start = async (subject: string | null) =>
      (await passkeys.startAuthentication({ pool: POOL, subject, holder: HOLDER }, server.clock.time))
        ?.options
    const challenge = expect.stringMatching(/^[A-Za-z0-9_-]{43}$/)
    const options = { challenge, timeout: 300_000, rpId: 'shop.test', userVerification: 'preferred' }
    expect(await start(null)).toEqual({ ...options, allowCredentials: [] })
    const own = { type: 'public-key', id: passkey.credentialId, transports: ['hybrid', 'internal'] }
    expect(await start(user.id)).toEqual({ ...options, allowCredentials: [own] })
    expect(
      await passkeys.startAuthentication({ pool: 'operators', subject: null, holder: HOLDER }, 0),
    ).toBeNull()
  })

  it('a sign-in costs one read and one write, whether the response is right or wrong, and its start costs nothing', async () => {
    let calls = 0
    const DB = aroundD1((sql, call) => {
      if (!isDeferredWrite(sql)) calls++
      return call()
    })
    const server = new TestServer({
      config: { accounts: { customers: { passkeys: { rp_id: 'shop.test' } } } },
      env: { DB },
    })
    const { authenticator } = await register(server)
    for (const changes of [{}, { breaksSignature: true }]) {
      calls = 0
      const given = await startSignIn(server, authenticator, changes)
      expect(calls).toBe(0)
      await reasonOf(finishSignIn(server, given, '192.0.2.1'))
      expect(calls).toBe(2)
    }
  })

  it('a response is accepted once over all locations', async () => {
    const server = serverWith()
    const { authenticator } = await register(server)
    const given = await startSignIn(server, authenticator)
    const foreign = reasonOf(finishSignIn(server, { ...given, holder: 'another browser' }))
    expect(await foreign).toBe('the challenge is expired or belongs to another ceremony')
    const isolates = [1, 2, 3, 4].map(() => server.anotherIsolate())
    const reasons = await Promise.all(isolates.map((isolate) => reasonOf(finishSignIn(isolate, given))))
    const used = 'the challenge was used, or the counter of the passkey did not grow'
    expect(reasons.sort()).toEqual([used, used, used, null].sort())
    server.clock.time += 1800
    expect(await reasonOf(finishSignIn(server, given))).toContain('expired')
  })

  it('a passkey of another user, pool or relying party, a disabled user and a removed passkey are refused', async () => {
    const server = serverWith()
    const { user, authenticator, passkey } = await register(server)
    const bob = await register(server)
    const refuse = (changes: SignIn) => reasonOfSignIn(server, authenticator, changes)
    expect(await refuse({ subject: bob.user.id })).toBe('the passkey belongs to another user')
    expect(await refuse({ userHandle: base64url.encode(bob.user.id) })).toBe(
      'the user handle belongs to another user',
    )
    expect(await refuse({ userHandle: null })).toBe('the user handle belongs to another user')
    expect(await refuse({ subject: user.id, userHandle: null })).toBeNull()
    expect(await refuse({ pool: 'staff' })).toBe('the passkey belongs to another pool')
    expect(await refuse({ rpId: 'evil.test' })).toBe('the passkey belongs to another relying party')
    expect(await refuse({ breaksSignature: true })).toBe('the signature is wrong')
    expect(await refuse({ flags: UP })).toBe('the user was not verified')
    expect(await refuse({ flags: UP | UV | BE })).toBe('the backup eligibility of the passkey has changed')
    await env.DB.prepare("UPDATE passkeys SET rp_id = 'old.test' WHERE id = ?").bind(passkey.id).run()
    expect(await refuse({})).toBe('the passkey belongs to another relying party')
    await env.DB.prepare("UPDATE passkeys SET rp_id = 'shop.test'").run()
    await env.DB.prepare('UPDATE users SET enabled = 0 WHERE id = ?').bind(user.id).run()
    expect(await refuse({})).toBe('disabled user')
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(user.id).run()
    expect(await refuse({})).toBe('the passkey is unknown')
    expect(await rowsOf('passkeys')).toBe(1)
  })

  it('a counter that falls or stays is refused and audited, and a counter of 0 is accepted', async () => {
    const server = serverWith()
    const { user, authenticator, passkey } = await register(server, 'ES256', { counter: 5 })
    const signIn = (counter: number) => reasonOfSignIn(server, authenticator, { counter })
    expect([await signIn(6), await signIn(9)]).toEqual([null, null])
    const fallen = [9, 8, 0].map(
      (counter) => `the counter of the passkey ${passkey.id} went from 9 to ${counter}`,
    )
    expect([await signIn(9), await signIn(8), await signIn(0)]).toEqual(fallen)
    await server.settle()
    const events = await auditOf({ kind: 'factor', outcome: 'refused' })
    expect(events.map(({ reason, subject }) => [subject, reason])).toEqual(
      fallen.map((reason) => [user.id, reason]),
    )
    const synced = await register(server, 'EdDSA', { flags: UP | UV | BE | BS | AT })
    const changes = { flags: UP | UV | BE }
    expect(await reasonOfSignIn(server, synced.authenticator, changes)).toBeNull()
    const proven = await finishSignIn(server, await startSignIn(server, synced.authenticator, changes))
    expect(proven.amr).toEqual(['swk', 'user', 'mfa'])
    expect((await server.services.passkeys.list(synced.user.id))[0]?.isBackedUp).toBe(false)
  })

  it('two sign-ins with the same counter at the same time give one session', async () => {
    const server = serverWith()
    const { authenticator } = await register(server, 'ES256', { counter: 5 })
    const given = await Promise.all([6, 6].map((counter) => startSignIn(server, authenticator, { counter })))
    const reasons = await Promise.all(
      given.map((one) => reasonOf(finishSignIn(server.anotherIsolate(), one))),
    )
    expect(reasons.filter((reason) => reason === null)).toHaveLength(1)
  })

  it('a passkey without user verification is one factor', async () => {
    const server = serverWith({ user_verification: 'preferred' })
    const { authenticator } = await register(server)
    const proven = await finishSignIn(server, await startSignIn(server, authenticator, { flags: UP }))
    expect(proven).toMatchObject({ isUserVerified: false, amr: ['hwk', 'user'] })
  })

  it('refused responses lock the address, and a lock of the account by guesses does not refuse the passkey', async () => {
    const server = new TestServer({
      config: {
        accounts: { customers: { passkeys: { rp_id: 'shop.test' } } },
        sign_in_limits: { address: { failures: 3 } },
      },
    })
    const { user, authenticator } = await register(server)
    const client = await server.addClient()
    for (let i = 0; i < 10; i++) await server.signIn(client, user.username, 'wrong password').catch(() => {})
    expect(await server.signIn(client, user.username).catch(() => 'locked')).toBe('locked')
    expect(await reasonOfSignIn(server, authenticator)).toBeNull()
    const address = '192.0.2.7'
    for (let i = 0; i < 3; i++) {
      const given = await startSignIn(server, authenticator, { breaksSignature: true })
      expect(await reasonOf(finishSignIn(server, given, address))).toBe('the signature is wrong')
    }
    const given = await startSignIn(server, authenticator)
    await expect(finishSignIn(server, given, address)).rejects.toThrow('address locked')
    expect(await reasonOf(finishSignIn(server, given, '198.51.100.1'))).toBeNull()
  })

  it('a text that is no response is refused', async () => {
    const server = serverWith()
    const authenticator = await SoftwareAuthenticator.make('EdDSA', ISSUER)
    const given = await startSignIn(server, authenticator)
    const other = '{"id":"a","rawId":"b","type":"public-key","response":{}}'
    for (const response of ['', 'null', '[]', '{}', other, given.response.slice(0, -1)]) {
      const reason = await reasonOf(finishSignIn(server, { ...given, response }))
      expect([response, reason]).toEqual([response, 'the response of the browser cannot be read'])
    }
  })
})
