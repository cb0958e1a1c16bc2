import { describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../verify/testing.ts'
import { createVerifier } from '../../verify/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

/** Isolates of one location: they share `caches.default` and nothing else. */
async function location() {
  const issuer = await createTestIssuer({ url: `https://${crypto.randomUUID()}.test` })
  const isolate = (cache: Cache | null = caches.default, fetch = issuer.fetch) => {
    const options = { issuer: issuer.url, audience: AUDIENCE, fetch, cache }
    const verifier = createVerifier({ ...options, revocations: false })
    return (token: string, now: number) =>
      verifier.verify(token, { now }).then(
        () => 'accepted',
        (error: { code: string }) => error.code,
      )
  }
  const mint = () => issuer.mint({ audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 200_000 })
  return { issuer, isolate, mint }
}

describe('the cache of a location', () => {
  it('spares a new isolate every fetch', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    expect(await isolate()(token, NOW)).toBe('accepted')
    const fetched = issuer.requests.length
    expect(await isolate()(token, NOW + 299)).toBe('accepted')
    expect(issuer.requests.length).toBe(fetched)
  })

  it('is asked no longer once its keys are not fresh', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    await isolate()(token, NOW)
    await issuer.rotateKey({ keepOld: false })
    expect(await isolate()(token, NOW + 300)).toBe('invalid_token')
  })

  it('does not hide a key that is newer than it: an unknown id is asked of the issuer', async () => {
    const { issuer, isolate, mint } = await location()
    await isolate()(await mint(), NOW)
    await issuer.rotateKey()
    expect(await isolate()(await mint(), NOW + 30)).toBe('accepted')
  })

  it('keeps nothing that is not what it should be', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    await isolate()(token, NOW)
    const nonsense: typeof issuer.fetch = async () => Response.json({ maintenance: true })
    expect(await isolate(caches.default, nonsense)(token, NOW + 400)).toBe('accepted')
    expect(await isolate()(token, NOW + 500)).toBe('accepted')
  })

  it('that was cut off is as good as none', async () => {
    const { isolate, mint } = await location()
    const cut = {
      match: async () => new Response('{"keys":[', { headers: { 'Fetched-At': String(NOW) } }),
      put: async () => {},
    }
    expect(await isolate(cut as unknown as Cache)(await mint(), NOW)).toBe('accepted')
  })

  it('serves isolates that start while the issuer is away, for a day', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    await isolate()(token, NOW)
    issuer.isUp = false
    expect(await isolate()(token, NOW + 86_399)).toBe('accepted')
    expect(await isolate()(token, NOW + 86_400)).toBe('temporarily_unavailable')
  })

  it('that fails, or is not there, changes no verdict', async () => {
    const { isolate, mint } = await location()
    const broken = {
      match: () => Promise.reject(new Error('away')),
      put: () => Promise.reject(new Error('away')),
    }
    const token = await mint()
    for (const cache of [broken as unknown as Cache, null])
      expect(await isolate(cache)(token, NOW)).toBe('accepted')
  })

  it('keeps nothing under the addresses of the issuer itself', async () => {
    const { issuer, isolate, mint } = await location()
    await isolate()(await mint(), NOW)
    const metadata = `${issuer.url}/.well-known/oauth-authorization-server`
    const kept = [metadata, `${issuer.url}/.well-known/jwks.json`].map((url) => caches.default.match(url))
    expect(await Promise.all(kept)).toEqual([undefined, undefined])
  })
})
