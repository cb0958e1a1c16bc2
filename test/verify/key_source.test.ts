import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const JWKS = '/.well-known/jwks.json'
const NOW = Math.floor(Date.now() / 1000)

async function setUp() {
  const issuer = await createTestIssuer()
  const slow = { until: Promise.resolve() }
  const fetch: typeof issuer.fetch = async (url, init) => {
    await slow.until
    return issuer.fetch(url, init)
  }
  const options = { issuer: issuer.url, audience: AUDIENCE, fetch, leewaySeconds: 0 }
  const verifier = createVerifier({ ...options, revocations: false })
  const mint = (header = {}) =>
    issuer.mint({ audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 200_000, header })
  const isAccepted = (token: string, now: number) =>
    verifier.verify(token, { now }).then(
      () => true,
      () => false,
    )
  const codeAt = (token: string, now: number) =>
    verifier.verify(token, { now }).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )
  const fetched = () => issuer.requests.filter((path) => path === JWKS).length
  return { issuer, slow, verifier, mint, isAccepted, codeAt, fetched }
}

/** An issuer whose JWKS has another key too. */
async function publishing(jwk: unknown) {
  const issuer = await createTestIssuer()
  const fetch: typeof issuer.fetch = async (url, init) => {
    const response = await issuer.fetch(url, init)
    if (!url.endsWith(JWKS)) return response
    const { keys } = await response.json<{ keys: unknown[] }>()
    return Response.json({ keys: [jwk, ...keys] })
  }
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch, revocations: false })
  const codeOf = (token: string) =>
    verifier.verify(token).then(
      () => 'accepted',
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
    )
  const mint = (header = {}) => issuer.mint({ audience: AUDIENCE, header })
  const times = { iat: NOW, exp: NOW + 600 }
  const claims = { iss: issuer.url, aud: AUDIENCE, sub: 'user:1', client_id: 'x', jti: 'x', ...times }
  return { codeOf, mint, claims }
}

describe('the keys of an issuer', () => {
  it('many first requests cause one fetch of the keys', async () => {
    const { isAccepted, mint, fetched } = await setUp()
    const token = await mint()
    const answers = await Promise.all(Array.from({ length: 50 }, () => isAccepted(token, NOW)))
    expect(answers).toEqual(Array.from({ length: 50 }, () => true))
    expect(fetched()).toBe(1)
  })

  it('unknown key ids cause one fetch in each cooldown', async () => {
    const { isAccepted, mint, fetched } = await setUp()
    await isAccepted(await mint(), NOW)
    const unknown = await Promise.all(Array.from({ length: 20 }, (_, i) => mint({ kid: `unknown-${i}` })))
    for (const token of unknown) expect(await isAccepted(token, NOW + 29)).toBe(false)
    expect(fetched()).toBe(1)
    await Promise.all(unknown.map((token) => isAccepted(token, NOW + 30)))
    expect(fetched()).toBe(2)
    for (const token of unknown) await isAccepted(token, NOW + 59)
    expect(fetched()).toBe(2)
  })

  it('the verifier finds a new key at its first token', async () => {
    const { issuer, isAccepted, mint } = await setUp()
    const old = await mint()
    await isAccepted(old, NOW)
    await issuer.rotateKey()
    expect(await isAccepted(await mint(), NOW + 30)).toBe(true)
    expect(await isAccepted(old, NOW + 30)).toBe(true)
  })

  it('parallel tokens of a new key wait for one fetch', async () => {
    const { issuer, slow, mint, codeAt, fetched } = await setUp()
    await codeAt(await mint(), NOW)
    await issuer.rotateKey()
    const token = await mint()
    const release = Promise.withResolvers<void>()
    slow.until = release.promise
    const codes = Promise.all(Array.from({ length: 10 }, (_, i) => codeAt(token, NOW + 30 + (i % 5))))
    setTimeout(release.resolve, 20)
    expect(await codes).toEqual(Array(10).fill('accepted'))
    expect(fetched()).toBe(2)
  })

  it('a token of an unknown key gets 503 if the fetch of the keys fails, until the cooldown has passed', async () => {
    const { issuer, mint, codeAt, fetched } = await setUp()
    const old = await mint()
    await codeAt(old, NOW)
    await issuer.rotateKey()
    const token = await mint()
    issuer.isUp = false
    const parallel = Array.from({ length: 3 }, () => codeAt(token, NOW + 30))
    expect(await Promise.all(parallel)).toEqual(Array(3).fill('temporarily_unavailable'))
    issuer.isUp = true
    expect(await codeAt(token, NOW + 59)).toBe('temporarily_unavailable')
    expect(await codeAt(old, NOW + 59)).toBe('accepted')
    expect(fetched()).toBe(2)
    expect(await codeAt(token, NOW + 60)).toBe('accepted')
    expect(await codeAt(await mint({ kid: 'unknown' }), NOW + 61)).toBe('invalid_token')
  })

  it('the verifier drops a key that the issuer no longer publishes', async () => {
    const { issuer, isAccepted, mint } = await setUp()
    const old = await mint()
    await isAccepted(old, NOW)
    await issuer.rotateKey({ keepOld: false })
    expect(await isAccepted(old, NOW + 299)).toBe(true)
    expect(await isAccepted(old, NOW + 600)).toBe(false)
  })

  it('keys are used for one day while the issuer is unreachable', async () => {
    const { issuer, verifier, isAccepted, mint } = await setUp()
    const token = await mint()
    await isAccepted(token, NOW)
    issuer.isUp = false
    expect(await isAccepted(token, NOW + 86_399)).toBe(true)
    await expect(verifier.verify(token, { now: NOW + 86_400 })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      challenge: null,
    })
    issuer.isUp = true
    expect(await isAccepted(token, NOW + 86_430)).toBe(true)
  })

  it('a failed first fetch gives 503, and the verifier works after the issuer is back', async () => {
    const { issuer, verifier, isAccepted, mint } = await setUp()
    issuer.isUp = false
    const token = await mint()
    await expect(verifier.verify(token, { now: NOW })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
    issuer.isUp = true
    expect(await isAccepted(token, NOW)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['of an unknown curve', { kty: 'EC', crv: 'P-999', alg: 'ES256', kid: 'other', x: 'a', y: 'b' }],
    ['without coordinates', { kty: 'EC', crv: 'P-256', alg: 'ES256', kid: 'other' }],
    ['of an unknown type', { kty: 'lattice', alg: 'ES256', kid: 'other' }],
    ['for encryption', { kty: 'RSA', use: 'enc', alg: 'RSA-OAEP', kid: 'other', n: 'a', e: 'AQAB' }],
    ['that is null', null],
  ])('the verifier ignores a key %s and uses the others (RFC 7517 §5)', async (_case, jwk) => {
    const { codeOf, mint } = await publishing(jwk)
    expect(await codeOf(await mint())).toBe('accepted')
    expect(await codeOf(await mint({ kid: 'other' }))).toBe(
      'invalid_token: it is not signed by a key of the issuer',
    )
  })

  it.each(['HS256', 'ES256'])(
    'the verifier never uses a symmetric key, also if it is published for %s',
    async (alg) => {
      const secret = crypto.getRandomValues(new Uint8Array(32))
      const { codeOf, claims } = await publishing({
        kty: 'oct',
        alg,
        kid: 'shared',
        k: base64url.encode(secret),
      })
      const forged = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'shared' })
      expect(await codeOf(await forged.sign(secret))).toBe('invalid_token: its algorithm is not allowed')
      const { privateKey } = await generateKeyPair('ES256')
      const other = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'shared' })
      expect(await codeOf(await other.sign(privateKey))).toBe(
        'invalid_token: it is not signed by a key of the issuer',
      )
    },
  )

  it('the verifier never uses a key that is published for encryption', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'enc', kid: 'other' }
    const { codeOf, claims } = await publishing(jwk)
    const token = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'other' })
    expect(await codeOf(await token.sign(privateKey))).toBe(
      'invalid_token: it is not signed by a key of the issuer',
    )
  })

  it('the verifier refuses metadata with another issuer (RFC 8414 §3.3)', async () => {
    const issuer = await createTestIssuer({ url: 'https://evil.test' })
    const options = { issuer: 'https://issuer.test', audience: AUDIENCE, fetch: issuer.fetch }
    const token = await issuer.mint({ audience: AUDIENCE, claims: { iss: 'https://issuer.test' } })
    await expect(createVerifier(options).verify(token)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
  })
})
