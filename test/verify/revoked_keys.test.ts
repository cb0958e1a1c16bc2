import { describe, expect, it } from 'vitest'
import type { VerifierOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

/** The time after which every verifier that polls the feed refuses the tokens of a revoked key (docs/tokens.md). */
const BOUND_SECONDS = 40

/** Isolates of one data centre, which share `caches.default`. The issuer revokes its key at NOW, and a new key signs at once. */
async function setUp(options: Pick<VerifierOptions, 'revocations'> = {}) {
  const issuer = await createTestIssuer({ url: `https://${crypto.randomUUID()}.test` })
  const forged = await issuer.mint({ audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 3600 })
  const isolate = () => {
    const api = { issuer: issuer.url, audience: AUDIENCE, fetch: issuer.fetch, cache: caches.default }
    const verifier = createVerifier({ ...api, ...options })
    return (now: number) =>
      verifier.verify(forged, { now }).then(
        () => 'accepted',
        (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
      )
  }
  const revokeKey = () => issuer.rotateKey({ keepOld: false })
  return { isolate, revokeKey }
}

const REVOKED = 'invalid_token: the issuer revoked its key'

describe('a token that a revoked key signed', () => {
  it.each([30, 299, 300, 599])(
    'the first requests of an isolate are refused after a pause of %i s',
    async (pauseSeconds) => {
      const { isolate, revokeKey } = await setUp()
      const verdictAt = isolate()
      expect(await verdictAt(NOW)).toBe('accepted')
      await revokeKey()
      const verdicts = Array.from({ length: 3 }, () => verdictAt(NOW + pauseSeconds))
      expect(await Promise.all(verdicts)).toEqual(Array(3).fill(REVOKED))
    },
  )

  it.each([30, 299])(
    'the first requests of a new isolate are refused, whose cache has keys of %i s ago',
    async (ageSeconds) => {
      const { isolate, revokeKey } = await setUp()
      expect(await isolate()(NOW)).toBe('accepted')
      await revokeKey()
      const verdictAt = isolate()
      const verdicts = Array.from({ length: 5 }, () => verdictAt(NOW + ageSeconds))
      expect(await Promise.all(verdicts)).toEqual(Array(5).fill(REVOKED))
    },
  )

  it.each([
    ['a running isolate', 0],
    ['a new isolate whose cache has the keys', 1],
    ['a new isolate just before the end of the cooldown', 29],
  ])('%s refuses it within 40 s while it has requests', async (_case, startSeconds) => {
    const { isolate, revokeKey } = await setUp()
    const running = isolate()
    expect(await running(NOW)).toBe('accepted')
    await revokeKey()
    const verdictAt = startSeconds === 0 ? running : isolate()
    const verdicts: string[] = []
    for (let second = startSeconds; second <= BOUND_SECONDS; second++) {
      verdicts.push(await verdictAt(NOW + second))
    }
    expect(verdicts[0]).toBe('accepted')
    expect(verdicts.at(-1)).not.toBe('accepted')
  })

  it('a verifier without the feed refuses it after twice keys.freshSeconds', async () => {
    const { isolate, revokeKey } = await setUp({ revocations: false })
    const verdictAt = isolate()
    await verdictAt(NOW)
    await revokeKey()
    expect(await verdictAt(NOW + 299)).toBe('accepted')
    expect(await verdictAt(NOW + 600)).toBe('invalid_token: it is not signed by a key of the issuer')
  })
})
