import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RevocationOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

/** An issuer whose answers can get lost: on Workers, a fetch of a request that is over never settles. */
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

describe('a request that is over before its fetch', () => {
  it('leaves the next ones nothing to wait for', async () => {
    const { lost, codeAt } = await setUp()
    lost.paths.add('/.well-known/jwks.json')
    void codeAt(NOW)
    lost.paths.clear()
    expect(await codeAt(NOW + 12)).toBe('accepted')
  })

  it('fails those who waited with it, and no verdict is made', async () => {
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
  ] as const)('costs those who waited for its list the list alone (%s)', async (whenStale, verdict) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { lost, codeAt } = await setUp({ whenStale })
    lost.paths.add('/revocations')
    void codeAt(NOW)
    const joined = codeAt(NOW + 1)
    await vi.advanceTimersByTimeAsync(12_000)
    expect(await joined).toBe(verdict)
  })

  it('leaves no timer behind, of those who had nothing to wait for', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { lost, codeAt } = await setUp()
    await codeAt(NOW)
    lost.paths.add('/revocations')
    expect(await codeAt(NOW + 10)).toBe('accepted')
    expect(await codeAt(NOW + 11)).toBe('accepted')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves none behind of those whose wait had an end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { codeAt } = await setUp()
    expect(await Promise.all([codeAt(NOW), codeAt(NOW), codeAt(NOW)])).toEqual(Array(3).fill('accepted'))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops no revocation for longer than until the poll after it', async () => {
    const { issuer, lost, codeAt } = await setUp()
    expect(await codeAt(NOW)).toBe('accepted')
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    lost.paths.add('/revocations')
    expect(await codeAt(NOW + 10)).toBe('accepted')
    lost.paths.clear()
    expect(await codeAt(NOW + 22)).toBe('invalid_token')
  })
})

describe('a verifier that had no requests for a while', () => {
  it('judges the first one by a list of now', async () => {
    const { issuer, codeAt } = await setUp()
    await codeAt(NOW)
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    expect(await codeAt(NOW + 15)).toBe('invalid_token')
  })

  it('judges none by a list that was made longer ago than the bound allows', async () => {
    const { issuer, way, codeAt } = await setUp()
    way.ageSeconds = 8
    await codeAt(NOW)
    issuer.revoke({ sub: 'user:1', before: NOW + 1 })
    way.ageSeconds = 0
    expect(await codeAt(NOW + 12)).toBe('invalid_token')
  })

  it('lets the others pass while the first waits for an issuer that hangs', async () => {
    const { lost, codeAt } = await setUp()
    await codeAt(NOW)
    lost.paths.add('/revocations')
    void codeAt(NOW + 100)
    expect(await codeAt(NOW + 100)).toBe('accepted')
  })
})
