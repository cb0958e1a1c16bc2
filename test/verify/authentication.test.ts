import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { AuthenticationOptions } from '../../packages/verify/src/authentication.ts'
import { requireToken } from '../../packages/verify/src/hono.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const [ONE, TWO] = ['urn:sallyport:1', 'urn:sallyport:2']
const NOW = 1_800_000_000

const issuer = await createTestIssuer()
const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
const mint = (claims: { acr?: string; authTime?: number }, issuedAt = NOW) =>
  issuer.mint({ audience: AUDIENCE, issuedAt, ...claims })

type Row = [
  what: string,
  options: AuthenticationOptions,
  claims: { acr?: string; authTime?: number },
  challenge: string | null,
]

const REFUSED = 'Bearer realm="sallyport", error="insufficient_user_authentication"'

const ROWS: Row[] = [
  ['a level that the API accepts', { acrValues: [TWO] }, { acr: TWO }, null],
  ['one of two levels', { acrValues: [ONE, TWO] }, { acr: ONE }, null],
  ['a lower level', { acrValues: [TWO] }, { acr: ONE }, `${REFUSED}, acr_values="${TWO}"`],
  ['no level', { acrValues: [ONE, TWO] }, {}, `${REFUSED}, acr_values="${ONE} ${TWO}"`],
  ['a recent sign-in', { maxAgeSeconds: 60 }, { authTime: NOW - 60 }, null],
  ['a sign-in within the leeway', { maxAgeSeconds: 60 }, { authTime: NOW - 65 }, null],
  ['an old sign-in', { maxAgeSeconds: 60 }, { authTime: NOW - 66 }, `${REFUSED}, max_age="60"`],
  ['no time of a sign-in', { maxAgeSeconds: 60 }, {}, `${REFUSED}, max_age="60"`],
  [
    'an old sign-in of the right level',
    { acrValues: [TWO], maxAgeSeconds: 0 },
    { acr: TWO, authTime: NOW - 100 },
    `${REFUSED}, acr_values="${TWO}", max_age="0"`,
  ],
  ['no demands', {}, {}, null],
]

describe('the level and the age of a sign-in (RFC 9470)', () => {
  it.each(ROWS)('the verifier judges a token with %s', async (_what, options, claims, challenge) => {
    const result = await verifier.verify(await mint(claims), { ...options, now: NOW }).catch((error) => error)
    expect(result.challenge ?? null).toBe(challenge)
    if (challenge !== null)
      expect(result).toMatchObject({ status: 401, code: 'insufficient_user_authentication' })
  })

  it('the middleware responds with 401 and the demands, and lets a new sign-in pass', async () => {
    const now = Math.floor(Date.now() / 1000)
    const demands = { acrValues: [TWO], maxAgeSeconds: 300 }
    const app = new Hono().get('/payout', requireToken(verifier, demands), (c) => c.text('paid'))
    const send = async (claims: { acr?: string; authTime?: number }) =>
      app.request('/payout', { headers: { Authorization: `Bearer ${await mint(claims, now)}` } })
    const refused = await send({ acr: ONE, authTime: now })
    expect([refused.status, refused.headers.get('WWW-Authenticate'), await refused.json()]).toEqual([
      401,
      `${REFUSED}, acr_values="${TWO}", max_age="300"`,
      { error: 'insufficient_user_authentication' },
    ])
    expect(await (await send({ acr: TWO, authTime: now })).text()).toBe('paid')
  })

  it.each([
    { acrValues: [] },
    { acrValues: ['a b'] },
    { acrValues: ['a"b'] },
    { maxAgeSeconds: -1 },
    { maxAgeSeconds: 0.5 },
    { maxAgeSeconds: Number.NaN },
  ])('the verifier and the middleware refuse the options %o', async (options) => {
    expect(() => requireToken(verifier, options)).toThrow(TypeError)
    await expect(verifier.verify(await mint({}), { ...options, now: NOW })).rejects.toThrow(TypeError)
  })
})
