import { describe, expect, it } from 'vitest'
import type { VerifierOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer, type TestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const KEYS = 'https://keys.test'

const optionsOf = (issuer: string, more: object = {}) => ({ issuer, audience: AUDIENCE, ...more })

/** The documents of the issuer, with replaced members of the metadata. */
function withMetadata(issuer: TestIssuer, changes: Record<string, string>) {
  const asked: string[] = []
  const fetch: NonNullable<VerifierOptions['fetch']> = async (url, init) => {
    asked.push(url)
    const response = await issuer.fetch(url, init)
    if (!url.endsWith('/oauth-authorization-server')) return response
    return Response.json({ ...(await response.json<object>()), ...changes })
  }
  return { fetch, asked }
}

describe('the issuer of a verifier', () => {
  it.each([
    'https://id.shop.test',
    'https://id.shop.test:8443/tenant',
    'http://127.0.0.1:8787',
    'http://localhost:8787',
    'http://[::1]:8787',
  ])('the issuer can have https or a loopback address: %s', (issuer) => {
    createVerifier(optionsOf(issuer))
  })

  it.each([
    'http://id.shop.test',
    'http://10.0.0.1',
    'http://127.0.0.1.evil.test',
    'http://localhost.evil.test',
    'HTTP://id.shop.test',
  ])('an issuer with plain http on another host requires allowHttp: %s', (issuer) => {
    const refusal = new TypeError(
      'issuer must be https, unless it is a loopback address or allowHttp is true',
    )
    expect(() => createVerifier(optionsOf(issuer))).toThrow(refusal)
    expect(() => createVerifier(optionsOf(issuer, { allowHttp: false }))).toThrow(refusal)
    createVerifier(optionsOf(issuer, { allowHttp: true }))
  })

  it.each(['id.shop.test', 'ftp://id.shop.test', 'file:///id', 'javascript:1', 'https://'])(
    'the issuer must be a URL: %s',
    (issuer) => {
      const refusal = new TypeError('issuer must be a URL, such as https://id.example.com')
      expect(() => createVerifier(optionsOf(issuer, { allowHttp: true }))).toThrow(refusal)
    },
  )
})

describe('the options of trusted origins', () => {
  it.each(['true', 1, null])('allowHttp must be a boolean: %j', (allowHttp) => {
    const refusal = new TypeError('allowHttp must be true or false')
    expect(() => createVerifier(optionsOf('https://id.shop.test', { allowHttp }))).toThrow(refusal)
  })

  it.each([[KEYS], [[`${KEYS}/`]], [[`${KEYS}/jwks`]], [['*']], [[7]], [null]])(
    'documentOrigins must be a list of origins: %j',
    (documentOrigins) => {
      expect(() => createVerifier(optionsOf('https://id.shop.test', { documentOrigins }))).toThrow(
        /^documentOrigins must be a list of origins/,
      )
    },
  )

  it('documentOrigins must have https too', () => {
    const documentOrigins = ['http://keys.test']
    expect(() => createVerifier(optionsOf('https://id.shop.test', { documentOrigins }))).toThrow(
      'documentOrigins must be https, unless it is a loopback address or allowHttp is true',
    )
    createVerifier(optionsOf('https://id.shop.test', { documentOrigins, allowHttp: true }))
  })
})

describe('the documents of an issuer', () => {
  const elsewhere = [
    ['jwks_uri', `${KEYS}/.well-known/jwks.json`],
    ['jwks_uri', 'http://issuer.test/.well-known/jwks.json'],
    ['jwks_uri', 'https://issuer.test:8443/.well-known/jwks.json'],
    ['jwks_uri', 'https://issuer.test@keys.test/.well-known/jwks.json'],
    ['jwks_uri', 'not a URL'],
    ['revocations_uri', `${KEYS}/revocations`],
  ] as const

  it.each(elsewhere)(
    'the verifier does not fetch a document from another origin: %s %s',
    async (name, uri) => {
      const issuer = await createTestIssuer()
      const { fetch, asked } = withMetadata(issuer, { [name]: uri })
      const verifier = createVerifier({ ...optionsOf(issuer.url), fetch })
      const token = await issuer.mint({ audience: AUDIENCE })
      await expect(verifier.verify(token)).rejects.toMatchObject({
        code: 'temporarily_unavailable',
        status: 503,
      })
      expect(asked).toEqual([`${issuer.url}/.well-known/oauth-authorization-server`])
    },
  )

  it.each(['jwks_uri', 'revocations_uri'])(
    'the verifier fetches a document from an origin in documentOrigins: %s',
    async (name) => {
      const issuer = await createTestIssuer()
      const path = name === 'jwks_uri' ? '/.well-known/jwks.json' : '/revocations'
      const { fetch, asked } = withMetadata(issuer, { [name]: KEYS + path })
      const verifier = createVerifier({ ...optionsOf(issuer.url), fetch, documentOrigins: [KEYS] })
      const claims = await verifier.verify(await issuer.mint({ audience: AUDIENCE, subject: 'user:1' }))
      expect(claims.subject).toBe('user:1')
      expect(asked).toContain(KEYS + path)
    },
  )

  it('the verifier follows no redirect', async () => {
    const issuer = await createTestIssuer()
    const redirects: (string | undefined)[] = []
    const fetch: NonNullable<VerifierOptions['fetch']> = async (url, init) => {
      redirects.push(init.redirect)
      if (!url.endsWith('/jwks.json')) return issuer.fetch(url, init)
      return new Response(null, { status: 302, headers: { Location: `${KEYS}/jwks.json` } })
    }
    const verifier = createVerifier({ ...optionsOf(issuer.url), fetch })
    const token = await issuer.mint({ audience: AUDIENCE })
    await expect(verifier.verify(token)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
    })
    expect(new Set(redirects)).toEqual(new Set(['manual']))
  })
})

describe('the required scope', () => {
  it.each(['a"b', 'a\\b', 'é', ['a b'], ['']])('verify requires scope tokens, not %j', async (scope) => {
    const issuer = await createTestIssuer()
    const verifier = createVerifier({ ...optionsOf(issuer.url), fetch: issuer.fetch })
    const token = await issuer.mint({ audience: AUDIENCE })
    const refusal = new TypeError('scope must have only scope tokens (RFC 6749 §3.3)')
    await expect(verifier.verify(token, { scope })).rejects.toThrow(refusal)
  })
})
