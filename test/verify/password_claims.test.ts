import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { requireToken } from '../../packages/verify/src/hono.ts'
import { createVerifier, type PasswordClaim, TokenError } from '../../packages/verify/src/index.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'

const AUDIENCE = 'https://shop.test/api'
const CHALLENGE =
  'Bearer realm="sallyport", error="insufficient_scope", error_description="The user must set a new password first"'

const CASES: [PasswordClaim, { mustChangePassword?: boolean; passwordBreached?: boolean }, PasswordClaim][] =
  [
    ['must_change_password', { mustChangePassword: true }, 'password_breached'],
    ['password_breached', { passwordBreached: true }, 'must_change_password'],
  ]

describe('a token of a user who needs a new password', () => {
  it.each(CASES)(
    'the verifier refuses a token with %s with 403 unless it accepts the claim',
    async (claim, says, other) => {
      const issuer = await createTestIssuer()
      const token = await issuer.mint({ audience: AUDIENCE, ...says })
      const common = { issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch }
      for (const accept of [undefined, [], [other]]) {
        const error = await createVerifier({ ...common, accept })
          .verify(token)
          .catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(TokenError)
        expect(error).toMatchObject({ code: 'password_change_required', status: 403, challenge: CHALLENGE })
        expect(String(error)).toContain(claim)
      }
      const accepted = await createVerifier({ ...common, accept: [claim] }).verify(token)
      expect(accepted).toMatchObject({ mustChangePassword: false, passwordBreached: false, ...says })
    },
  )

  it.each(CASES)('one endpoint accepts a token with %s, and the others refuse it', async (claim, says) => {
    const issuer = await createTestIssuer()
    const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
    const app = new Hono()
      .get('/cart', requireToken(verifier), (c) => c.text('cart'))
      .get('/password', requireToken(verifier, { accept: [claim] }), (c) => c.text('password'))
    const headers = { Authorization: `Bearer ${await issuer.mint({ audience: AUDIENCE, ...says })}` }
    const refused = await app.request('/cart', { headers })
    expect([refused.status, await refused.json()]).toEqual([403, { error: 'password_change_required' }])
    expect(refused.headers.get('WWW-Authenticate')).toBe(CHALLENGE)
    expect(refused.headers.get('Cache-Control')).toBe('no-store')
    const accepted = await app.request('/password', { headers })
    expect([accepted.status, await accepted.text()]).toEqual([200, 'password'])
  })

  it('an endpoint can refuse a claim that its verifier accepts', async () => {
    const issuer = await createTestIssuer()
    const accept: PasswordClaim[] = ['password_breached']
    const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch, accept })
    const token = await issuer.mint({ audience: AUDIENCE, passwordBreached: true })
    expect(await verifier.verify(token)).toMatchObject({ passwordBreached: true })
    await expect(verifier.verify(token, { accept: [] })).rejects.toThrow('password_breached')
  })

  it('a claim that is not a boolean makes the token invalid', async () => {
    const issuer = await createTestIssuer()
    const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch })
    for (const name of ['must_change_password', 'password_breached']) {
      const token = await issuer.mint({ audience: AUDIENCE, claims: { [name]: 'false' } })
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
    }
  })

  it('accept with an unknown claim throws a TypeError', async () => {
    const issuer = await createTestIssuer()
    const options = { issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch }
    const wrong = ['password'] as unknown as PasswordClaim[]
    expect(() => createVerifier({ ...options, accept: wrong })).toThrow(TypeError)
    const token = await issuer.mint({ audience: AUDIENCE })
    await expect(createVerifier(options).verify(token, { accept: wrong })).rejects.toThrow(TypeError)
  })
})
