import { describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const JWKS = '/.well-known/jwks.json'
const NOW = Math.floor(Date.now() / 1000)
const AHEAD = NOW + 3600

/** A verifier whose clock was one hour ahead at its first request. */
async function setUp(whenStale: 'open' | 'closed' = 'open') {
  const issuer = await createTestIssuer()
  const lost = { paths: new Set<string>() }
  const fetch: typeof issuer.fetch = (url, init) =>
    lost.paths.has(new URL(url).pathname) ? new Promise(() => {}) : issuer.fetch(url, init)
  const verifier = createVerifier({
    issuer: issuer.url,
    audience: AUDIENCE,
    fetch,
    revocations: { whenStale },
  })
  const mint = () =>
    issuer.mint({ audience: AUDIENCE, subject: 'user:1', issuedAt: NOW, expiresAt: NOW + 9000 })
  const codeAt = (now: number, token: string) =>
    verifier.verify(token, { now }).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )
  const token = await mint()
  expect(await codeAt(AHEAD, token)).toBe('accepted')
  return { issuer, lost, mint, token, codeAt }
}

describe('a verifier after its clock was set back', () => {
  it.each(['open', 'closed'] as const)(
    'the next request is checked with the current revocations (%s)',
    async (whenStale) => {
      const { issuer, token, codeAt } = await setUp(whenStale)
      issuer.revoke({ sub: 'user:1', before: NOW + 1 })
      expect(await codeAt(NOW + 60, token)).toBe('invalid_token')
    },
  )

  it('the verifier polls once, not for each request', async () => {
    const { issuer, token, codeAt } = await setUp()
    for (let i = 0; i < 10; i++) await codeAt(NOW + 60 + Math.floor(i / 5), token)
    expect(issuer.requests.filter((path) => path === '/revocations').length).toBe(2)
  })

  it('a closed API refuses tokens, because the age of its list is unknown', async () => {
    const { issuer, token, codeAt } = await setUp('closed')
    issuer.isUp = false
    expect(await codeAt(NOW + 60, token)).toBe('temporarily_unavailable')
    issuer.isUp = true
    expect(await codeAt(NOW + 70, token)).toBe('accepted')
  })

  it('the verifier keeps polling after a lost poll', async () => {
    const { issuer, lost, token, codeAt } = await setUp()
    lost.paths.add('/revocations')
    expect(await codeAt(AHEAD + 10, token)).toBe('accepted')
    lost.paths.clear()
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    expect(await codeAt(NOW + 60, token)).toBe('invalid_token')
  })

  it('the cooldown does not hide a new key', async () => {
    const { issuer, mint, token, codeAt } = await setUp()
    await issuer.rotateKey()
    expect(await codeAt(NOW + 60, await mint())).toBe('accepted')
    expect(await codeAt(NOW + 61, token)).toBe('accepted')
    await issuer.rotateKey()
    expect(await codeAt(NOW + 91, await mint())).toBe('accepted')
  })

  it('keys with a fetch time in the future are fetched again, and used if the fetch fails', async () => {
    const { issuer, token, codeAt } = await setUp()
    issuer.isUp = false
    expect(await codeAt(NOW + 60, token)).toBe('accepted')
    issuer.isUp = true
    await issuer.rotateKey({ keepOld: false })
    expect(await codeAt(NOW + 90, token)).toBe('invalid_token')
    const fetched = issuer.requests.filter((path) => path === JWKS).length
    const next = await issuer.mint({ audience: AUDIENCE, issuedAt: NOW })
    for (let i = 0; i < 10; i++) expect(await codeAt(NOW + 91, next)).toBe('accepted')
    expect(issuer.requests.filter((path) => path === JWKS).length).toBe(fetched)
  })

  it('a cached document with a fetch time in the future is not fresh', async () => {
    const issuer = await createTestIssuer({ url: `https://${crypto.randomUUID()}.test` })
    const options = { issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch, cache: caches.default }
    const isolate = () => createVerifier({ ...options, revocations: false })
    const token = await issuer.mint({ audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 9000 })
    await isolate().verify(token, { now: AHEAD })
    await issuer.rotateKey({ keepOld: false })
    await expect(isolate().verify(token, { now: NOW })).rejects.toMatchObject({ code: 'invalid_token' })
  })
})
