import { describe, expect, it } from 'vitest'
import type { RevocationOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer, type Revocation } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

async function setUp(revocations: RevocationOptions = {}) {
  const issuer = await createTestIssuer()
  const verifier = createVerifier({
    issuer: issuer.url,
    audience: AUDIENCE,
    fetch: issuer.fetch,
    revocations,
  })
  const names = { subject: 'user:1', clientId: 'shop', sid: 's1.x', claims: { jti: 'the-jti' } }
  const token = await issuer.mint({ audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 7200, ...names })
  const codeAt = (now: number) =>
    verifier.verify(token, { now }).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )
  /** The result of the second of two requests. The first request starts the poll. */
  const codeAfterPollAt = async (now: number) => {
    const polls: Promise<unknown>[] = []
    await verifier.verify(token, { now, waitUntil: (work) => polls.push(work) }).catch(() => {})
    await Promise.all(polls)
    return codeAt(now)
  }
  const polls = () => issuer.requests.filter((path) => path === '/revocations').length
  return { issuer, codeAt, codeAfterPollAt, polls }
}

describe('revocations', () => {
  it.each<[string, Revocation]>([
    ['its session', { sid: 's1.x', before: NOW + 1 }],
    ['its subject', { sub: 'user:1', before: NOW + 1 }],
    ['its client', { client_id: 'shop', before: NOW + 1 }],
    ['its jti', { jti: 'the-jti', before: NOW + 1 }],
  ])('a revocation by %s ends a token within one poll', async (_name, revocation) => {
    const { issuer, codeAt, codeAfterPollAt } = await setUp()
    expect(await codeAt(NOW)).toBe('accepted')
    issuer.revoke(revocation)
    expect(await codeAt(NOW + 9)).toBe('accepted')
    expect(await codeAfterPollAt(NOW + 10)).toBe('invalid_token')
  })

  it.each<[string, Revocation]>([
    ['another session', { sid: 's1.y', before: NOW + 1 }],
    ['another subject', { sub: 'user:2', before: NOW + 1 }],
    ['a subject with the name of its session', { sub: 's1.x', before: NOW + 1 }],
    ['the same subject at an earlier second', { sub: 'user:1', before: NOW }],
  ])('a revocation of %s does not change the result', async (_name, revocation) => {
    const { issuer, codeAt } = await setUp()
    issuer.revoke(revocation)
    expect(await codeAt(NOW)).toBe('accepted')
  })

  it.each([
    ['the later first', [NOW + 1, NOW - 500]],
    ['the earlier first', [NOW - 500, NOW + 1]],
  ])('the later of two entries for one name counts: %s', async (_order, times) => {
    const { issuer, codeAt } = await setUp()
    for (const before of times) issuer.revoke({ sub: 'user:1', before })
    expect(await codeAt(NOW)).toBe('invalid_token')
  })

  it('the first request waits for the revocations', async () => {
    const { issuer, codeAt } = await setUp()
    issuer.revoke({ sid: 's1.x', before: NOW + 1 })
    expect(await codeAt(NOW)).toBe('invalid_token')
  })

  it('concurrent requests share one poller', async () => {
    const { codeAt, polls } = await setUp()
    await Promise.all(Array.from({ length: 50 }, () => codeAt(NOW)))
    expect(polls()).toBe(1)
    await Promise.all(Array.from({ length: 50 }, () => codeAt(NOW + 9)))
    expect(polls()).toBe(1)
    await Promise.all(Array.from({ length: 50 }, () => codeAt(NOW + 10)))
    expect(polls()).toBe(2)
  })

  it('with an old list, an open API accepts tokens and a closed API refuses them until the next good poll', async () => {
    for (const [whenStale, verdict] of [
      ['open', 'accepted'],
      ['closed', 'temporarily_unavailable'],
    ] as const) {
      const { issuer, codeAt, codeAfterPollAt } = await setUp({ whenStale, maxAgeSeconds: 60 })
      await codeAt(NOW)
      issuer.isUp = false
      expect(await codeAfterPollAt(NOW + 60)).toBe('accepted')
      expect(await codeAfterPollAt(NOW + 75)).toBe(verdict)
      issuer.isUp = true
      expect(await codeAt(NOW + 90)).toBe('accepted')
    }
  })

  it('known revocations stay in force while the feed is unreachable', async () => {
    const { issuer, codeAt } = await setUp()
    issuer.revoke({ sid: 's1.x', before: NOW + 1 })
    await codeAt(NOW)
    issuer.isUp = false
    expect(await codeAt(NOW + 3000)).toBe('invalid_token')
  })

  it('the verifier does not fetch the feed if revocations is false', async () => {
    const issuer = await createTestIssuer()
    const verifier = createVerifier({
      issuer: issuer.url,
      audience: AUDIENCE,
      fetch: issuer.fetch,
      revocations: false,
    })
    issuer.revoke({ sub: 'user:test', before: NOW + 100 })
    await verifier.verify(await issuer.mint({ audience: AUDIENCE }))
    expect(issuer.requests).not.toContain('/revocations')
  })
})
