import { describe, expect, it } from 'vitest'
import type { DocumentCache } from '../../packages/verify/src/documents.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)
const NEVER = new AbortController().signal

/** Isolates of one data centre, which share only `caches.default`. */
async function location() {
  const issuer = await createTestIssuer({ url: `https://${crypto.randomUUID()}.test` })
  /** Replacement responses of the issuer by path. */
  const instead = new Map<string, unknown>()
  const fetch: typeof issuer.fetch = async (url, init) => {
    const { pathname } = new URL(url)
    return instead.has(pathname) ? Response.json(instead.get(pathname)) : issuer.fetch(url, init)
  }
  const isolate = (cache: DocumentCache | null = caches.default) => {
    const options = { issuer: issuer.url, audience: AUDIENCE, fetch, cache }
    const verifier = createVerifier({ ...options, revocations: false })
    return (token: string, now: number) =>
      verifier.verify(token, { now }).then(
        () => 'accepted',
        (error: { code: string }) => error.code,
      )
  }
  const mint = () => issuer.mint({ audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 200_000 })
  return { issuer, instead, isolate, mint }
}

describe('the document cache', () => {
  it('a new isolate reads the documents from the cache and fetches none', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    expect(await isolate()(token, NOW)).toBe('accepted')
    const fetched = issuer.requests.length
    expect(await isolate()(token, NOW + 299)).toBe('accepted')
    expect(issuer.requests.length).toBe(fetched)
  })

  it('stale keys in the cache are fetched again', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    await isolate()(token, NOW)
    await issuer.rotateKey({ keepOld: false })
    expect(await isolate()(token, NOW + 300)).toBe('invalid_token')
  })

  it('an unknown key id causes a fetch from the issuer, although the cache has keys', async () => {
    const { issuer, isolate, mint } = await location()
    await isolate()(await mint(), NOW)
    await issuer.rotateKey()
    expect(await isolate()(await mint(), NOW + 30)).toBe('accepted')
  })

  it('a slow cache does not replace keys that were fetched in the meantime', async () => {
    const { issuer, isolate, mint } = await location()
    const keys = await issuer.fetch(`${issuer.url}/.well-known/jwks.json`, { headers: {}, signal: NEVER })
    const document = new Response(keys.body, { headers: { 'Fetched-At': String(NOW + 301) } })
    const late = Promise.withResolvers<Response>()
    const cache = { match: async (): Promise<Response | undefined> => undefined, put: async () => {} }
    const codeAt = isolate(cache)
    const old = await mint()
    await codeAt(old, NOW)
    cache.match = () => late.promise
    const waiting = codeAt(old, NOW + 600)
    await issuer.rotateKey({ keepOld: false })
    const token = await mint()
    expect(await codeAt(token, NOW + 601)).toBe('accepted')
    late.resolve(document)
    expect(await waiting).toBe('invalid_token')
    expect(await codeAt(token, NOW + 602)).toBe('accepted')
  })

  it('new isolates use the cache for a day while the issuer is unreachable', async () => {
    const { issuer, isolate, mint } = await location()
    const token = await mint()
    await isolate()(token, NOW)
    issuer.isUp = false
    expect(await isolate()(token, NOW + 86_399)).toBe('accepted')
    expect(await isolate()(token, NOW + 86_400)).toBe('temporarily_unavailable')
  })

  it.each(['/.well-known/jwks.json', '/.well-known/oauth-authorization-server'])(
    'an invalid document is not cached in place of %s',
    async (path) => {
      const { instead, isolate, mint } = await location()
      const token = await mint()
      instead.set(path, { maintenance: true })
      expect(await isolate()(token, NOW)).toBe('temporarily_unavailable')
      instead.clear()
      expect(await isolate()(token, NOW + 1)).toBe('accepted')
      instead.set(path, { maintenance: true })
      expect(await isolate()(token, NOW + 400)).toBe('accepted')
      expect(await isolate()(token, NOW + 86_400)).toBe('accepted')
    },
  )

  it.each(['{"keys', 'null', '{"maintenance":true}'])(
    'the invalid cached document %s causes a fetch from the issuer',
    async (text) => {
      const { isolate, mint } = await location()
      const headers = { 'Fetched-At': String(NOW) }
      const half = { match: async () => new Response(text, { headers }), put: async () => {} }
      expect(await isolate(half)(await mint(), NOW)).toBe('accepted')
    },
  )

  it('a failed or missing cache does not change the result', async () => {
    const { isolate, mint } = await location()
    const broken = {
      match: () => Promise.reject(new Error('away')),
      put: () => Promise.reject(new Error('away')),
    }
    const token = await mint()
    for (const cache of [broken, null]) expect(await isolate(cache)(token, NOW)).toBe('accepted')
  })

  it('the cache has no entry under the URLs of the issuer', async () => {
    const { issuer, isolate, mint } = await location()
    await isolate()(await mint(), NOW)
    const metadata = `${issuer.url}/.well-known/oauth-authorization-server`
    const kept = [metadata, `${issuer.url}/.well-known/jwks.json`].map((url) => caches.default.match(url))
    expect(await Promise.all(kept)).toEqual([undefined, undefined])
  })
})
