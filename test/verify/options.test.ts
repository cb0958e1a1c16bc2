import { describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const REQUIRED = { issuer: 'https://issuer.test', audience: 'https://shop.test/api' }
const NOW = Math.floor(Date.now() / 1000)

const SECONDS = [
  'leewaySeconds',
  'keys.freshSeconds',
  'keys.staleSeconds',
  'keys.cooldownSeconds',
  'revocations.pollSeconds',
  'revocations.maxAgeSeconds',
]

/** Options with a value of any type, as JavaScript or an environment can have them. */
function optionsWith(name: string, value: unknown): typeof REQUIRED {
  const [first = '', second] = name.split('.')
  return { ...REQUIRED, [first]: second === undefined ? value : { [second]: value } }
}

describe('the options of a verifier', () => {
  it.each(
    ['issuer', 'audience'].flatMap((name) =>
      [undefined, null, '', 7, ['https://x.test']].map((value) => [name, value]),
    ),
  )('createVerifier requires text for %s, not %j', (name, value) => {
    const refusal = new TypeError(`${name} must be text that is not empty`)
    expect(() => createVerifier(optionsWith(String(name), value))).toThrow(refusal)
  })

  it.each(
    SECONDS.flatMap((name) =>
      [Number.NaN, -1, Number.POSITIVE_INFINITY, '10', null].map((value) => [name, value]),
    ),
  )('createVerifier requires finite seconds for %s, not %s', (name, value) => {
    const refusal = new TypeError(`${name} must be a number of seconds, 0 or more`)
    expect(() => createVerifier(optionsWith(String(name), value))).toThrow(refusal)
  })

  it.each(['close', 'Closed', '', null, true])(
    'createVerifier requires a known value for whenStale, not %j',
    (whenStale) => {
      const refusal = new TypeError("revocations.whenStale must be 'open' or 'closed'")
      expect(() => createVerifier(optionsWith('revocations.whenStale', whenStale))).toThrow(refusal)
    },
  )

  it.each(['revocations.maxBytes', 'revocations.maxEntries'])(
    'createVerifier requires a whole number of at least 1 for %s',
    (name) => {
      const refusal = new TypeError(`${name} must be a whole number, 1 or more`)
      for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1000', null]) {
        expect(() => createVerifier(optionsWith(name, value))).toThrow(refusal)
      }
      createVerifier(optionsWith(name, 1))
    },
  )

  it.each([null, 'console', {}])(
    'createVerifier requires a function for revocations.onError, not %j',
    (onError) => {
      const refusal = new TypeError('revocations.onError must be a function')
      expect(() => createVerifier(optionsWith('revocations.onError', onError))).toThrow(refusal)
    },
  )

  it.each([
    ['keys', null],
    ['keys', false],
    ['revocations', null],
    ['revocations', true],
  ])('createVerifier requires an object for %s, not %j', (name, value) => {
    const refusal = new TypeError(`${name} must be an object`)
    expect(() => createVerifier(optionsWith(name, value))).toThrow(refusal)
  })

  it('an option can be 0 or absent, and an undefined option has its default', async () => {
    for (const name of SECONDS) createVerifier(optionsWith(name, 0))
    createVerifier(REQUIRED)
    const issuer = await createTestIssuer()
    const unset = {
      leewaySeconds: undefined,
      keys: { freshSeconds: undefined, staleSeconds: undefined, cooldownSeconds: undefined },
      revocations: { pollSeconds: undefined, maxAgeSeconds: undefined, whenStale: undefined },
    } as object
    const verifier = createVerifier({ ...REQUIRED, ...unset, fetch: issuer.fetch })
    const token = await issuer.mint({ audience: REQUIRED.audience, issuedAt: NOW, expiresAt: NOW + 9000 })
    await verifier.verify(token, { now: NOW - 5 })
    const fetched = issuer.requests.length
    await verifier.verify(token, { now: NOW + 4 })
    expect(issuer.requests.length).toBe(fetched)
    issuer.isUp = false
    await verifier.verify(token, { now: NOW + 8000 })
  })
})
