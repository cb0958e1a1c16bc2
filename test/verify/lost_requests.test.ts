import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RevocationOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

/** An issuer that can lose a response. On Workers, the fetch of an ended request never settles. */
async function setUp(revocations: RevocationOptions = {}) {
  const issuer = await createTestIssuer()
  const lost = { paths: new Set<string>() }
  const way = { ageSeconds: 0 }
  const fetch: typeof issuer.fetch = (url, init) => {
    const answer = issuer.fetch(url, init).then((response) => {
      response.headers.set('Age', String(way.ageSeconds))
      return response
    })
    return lost.paths.has(new URL(url).pathname) ? new Promise(() => {}) : answer
  }
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch, revocations })
  const token = await issuer.mint({
    audience: AUDIENCE,
    subject: 'user:1',
    issuedAt: NOW,
    expiresAt: NOW + 7200,
  })
  const codeAt = (now: number) =>
    verifier.verify(token, { now }).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )
  return { issuer, lost, way, codeAt }
}

afterEach(() => vi.useRealTimers())

describe('a request that ends before its fetch', () => {
  it('later requests do not wait for a lost fetch', async () => {
    const { lost, codeAt } = await setUp()
    lost.paths.add('/.well-known/jwks.json')
    void codeAt(NOW)
    lost.paths.clear()
    expect(await codeAt(NOW + 12)).toBe('accepted')
  })

  it('requests that share a lost fetch of the keys get 503', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { lost, codeAt } = await setUp()
    lost.paths.add('/.well-known/jwks.json')
    void codeAt(NOW)
    const joined = codeAt(NOW + 1)
    await vi.advanceTimersByTimeAsync(12_000)
    expect(await joined).toBe('temporarily_unavailable')
  })

  it.each([
    ['open', 'accepted'],
    ['closed', 'temporarily_unavailable'],
  ] as const)(
    'requests that share a lost poll continue without a new list (%s)',
    async (whenStale, verdict) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const { lost, codeAt } = await setUp({ whenStale })
      lost.paths.add('/revocations')
      void codeAt(NOW)
      const joined = codeAt(NOW + 1)
      await vi.advanceTimersByTimeAsync(12_000)
      expect(await joined).toBe(verdict)
    },
  )

  it('a request that does not wait leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { lost, codeAt } = await setUp()
    await codeAt(NOW)
    lost.paths.add('/revocations')
    expect(await codeAt(NOW + 10)).toBe('accepted')
    expect(await codeAt(NOW + 11)).toBe('accepted')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a finished wait leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { codeAt } = await setUp()
    expect(await Promise.all([codeAt(NOW), codeAt(NOW), codeAt(NOW)])).toEqual(Array(3).fill('accepted'))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a lost poll delays a revocation at most until the next poll', async () => {
    const { issuer, lost, codeAt } = await setUp()
    expect(await codeAt(NOW)).toBe('accepted')
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    lost.paths.add('/revocations')
    expect(await codeAt(NOW + 10)).toBe('accepted')
    lost.paths.clear()
    expect(await codeAt(NOW + 22)).toBe('invalid_token')
  })
})

describe('a verifier after a pause without requests', () => {
  it('the first request waits for a current list', async () => {
    const { issuer, codeAt } = await setUp()
    await codeAt(NOW)
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    expect(await codeAt(NOW + 15)).toBe('invalid_token')
  })

  it('no request is checked with a list that is older than the bound', async () => {
    const { issuer, way, codeAt } = await setUp()
    way.ageSeconds = 8
    await codeAt(NOW)
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    way.ageSeconds = 0
    expect(await codeAt(NOW + 12)).toBe('invalid_token')
  })

  it('all requests wait for the list, also those that arrive during the poll', async () => {
    const { issuer, codeAt } = await setUp()
    await codeAt(NOW)
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    const codes = [100, 100, 101].map((seconds) => codeAt(NOW + seconds))
    expect(await Promise.all(codes)).toEqual(Array(3).fill('invalid_token'))
  })

  it('only the request that starts a poll waits while the issuer is unreachable', async () => {
    const { issuer, lost, codeAt } = await setUp()
    await codeAt(NOW)
    issuer.isUp = false
    expect(await Promise.all([codeAt(NOW + 100), codeAt(NOW + 100)])).toEqual(['accepted', 'accepted'])
    issuer.isUp = true
    lost.paths.add('/revocations')
    void codeAt(NOW + 110)
    expect(await codeAt(NOW + 110)).toBe('accepted')
  })

  it('no request waits for the next poll after the list was read', async () => {
    const { lost, codeAt } = await setUp()
    await codeAt(NOW)
    await codeAt(NOW + 100)
    lost.paths.add('/revocations')
    expect(await codeAt(NOW + 110)).toBe('accepted')
    expect(await codeAt(NOW + 111)).toBe('accepted')
  })

  it('requests that share a lost poll continue with the last list', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { lost, codeAt } = await setUp()
    await codeAt(NOW)
    lost.paths.add('/revocations')
    void codeAt(NOW + 100)
    const joined = codeAt(NOW + 101)
    await vi.advanceTimersByTimeAsync(12_000)
    expect(await joined).toBe('accepted')
    expect(vi.getTimerCount()).toBe(0)
  })
})
