import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RevocationOptions } from '../../packages/verify/src/options.ts'
import { createTestIssuer } from '../../packages/verify/src/testing.ts'
import { createVerifier } from '../../packages/verify/src/verifier.ts'

const AUDIENCE = 'https://shop.test/api'
const NOW = Math.floor(Date.now() / 1000)

interface Exchange {
  /** Without `max_age`. */
  query: string
  maxAge: string | null
  status: number
  bytes: number
}

/** A verifier, the responses to its polls, and a way to replace responses of the feed. */
async function setUp(options: RevocationOptions = {}) {
  const issuer = await createTestIssuer()
  const exchanges: Exchange[] = []
  const way: { replace: ((response: Response, query: string) => Response | Promise<Response>) | null } = {
    replace: null,
  }
  const fetch: typeof issuer.fetch = async (url, init) => {
    const { pathname, searchParams } = new URL(url)
    const original = await issuer.fetch(url, init)
    if (pathname !== '/revocations') return original
    const maxAge = searchParams.get('max_age')
    searchParams.delete('max_age')
    const query = searchParams.size === 0 ? '' : `?${searchParams}`
    const response = way.replace ? await way.replace(original, query) : original
    const bytes = (await response.clone().arrayBuffer()).byteLength
    exchanges.push({ query, maxAge, status: response.status, bytes })
    return response
  }
  const errors: string[] = []
  const onError = ({ message }: Error) => errors.push(message)
  const revocations = { pollSeconds: 0, onError, ...options }
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch, revocations })
  const mint = (sid: string, issuedAt = NOW) =>
    issuer.mint({ audience: AUDIENCE, sid, subject: 'user:1', issuedAt, expiresAt: issuedAt + 3600 })
  /** The result of a request. The function waits for the poll that the request starts. */
  const codeAt = async (token: string, now = NOW) => {
    const polls: Promise<unknown>[] = []
    const verdict = await verifier.verify(token, { now, waitUntil: (work) => polls.push(work) }).then(
      () => 'accepted',
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    )
    await Promise.all(polls)
    return verdict
  }
  return { issuer, exchanges, way, errors, mint, codeAt }
}

const REVOKED = 'invalid_token: it was revoked by its sid'

afterEach(() => vi.restoreAllMocks())

describe('a verifier that polls the feed', () => {
  it('the verifier requests changes, and a usual poll is a few hundred bytes or a 304', async () => {
    const { issuer, exchanges, mint, codeAt } = await setUp()
    for (let i = 0; i < 500; i++) issuer.revoke({ sid: `s1.${i}`, before: NOW + 60 })
    const token = await mint('s1.x')
    expect(await codeAt(token)).toBe('accepted')
    for (let i = 0; i < 2; i++) await codeAt(token)
    issuer.revoke({ sid: 's1.x', before: NOW + 60 })
    await codeAt(token)
    expect(await codeAt(token)).toBe(REVOKED)
    expect(exchanges.map(({ query, status }) => [query, status])).toEqual([
      ['', 200] as const,
      ['?since=500', 200] as const,
      ['?since=500', 304] as const,
      ['?since=500', 200] as const,
      ['?since=501', 200] as const,
    ])
    expect(exchanges[0]?.bytes).toBeGreaterThan(20_000)
    for (const { bytes } of exchanges.slice(1)) expect(bytes).toBeLessThan(500)
    expect(await codeAt(await mint('s1.7'))).toBe(REVOKED)
  })

  it.each([
    [0, '1'],
    [1, '1'],
    [4.5, '4'],
    [5, null],
    [10, null],
  ])(
    'a verifier that polls every %s s requests a list with the greatest age %s',
    async (pollSeconds, maxAge) => {
      const { exchanges, mint, codeAt } = await setUp({ pollSeconds })
      const token = await mint('s1.x')
      for (const now of [NOW, NOW + 10]) expect(await codeAt(token, now)).toBe('accepted')
      expect(exchanges.map((exchange) => [exchange.query, exchange.maxAge])).toEqual([
        ['', maxAge],
        ['?since=0', maxAge],
      ])
    },
  )

  it.each<[string, (response: Response, query: string) => Response]>([
    ['are refused', (response, query) => (query ? new Response(null, { status: 400 }) : response)],
    ['are not signed', (response, query) => (query ? new Response('garbage') : response)],
    ['are too large', (response, query) => (query ? new Response('x'.repeat(100_000)) : response)],
  ])('the verifier reads the whole list if the changes %s', async (_case, replace) => {
    const { issuer, exchanges, way, mint, codeAt } = await setUp({ maxBytes: 50_000 })
    const token = await mint('s1.x')
    await codeAt(token)
    issuer.revoke({ sid: 's1.x', before: NOW + 60 })
    way.replace = replace
    await codeAt(token)
    expect(exchanges.map(({ query }) => query)).toEqual(['', '?since=0', ''])
    expect(await codeAt(token)).toBe(REVOKED)
  })

  it('the verifier reads the whole list if the changes belong to another list', async () => {
    const { issuer, way, exchanges, mint, codeAt } = await setUp()
    const token = await mint('s1.x')
    await codeAt(token)
    issuer.revoke({ sid: 's1.x', before: NOW + 60 })
    way.replace = (response, query) =>
      query
        ? issuer.fetch(`${issuer.url}/revocations?since=1`, {
            headers: {},
            signal: new AbortController().signal,
          })
        : response
    await codeAt(token)
    expect(exchanges.map(({ query }) => query)).toEqual(['', '?since=0', ''])
    way.replace = null
    expect(await codeAt(token)).toBe(REVOKED)
  })

  it('the verifier keeps an entry that a whole list of the same sequence lacks', async () => {
    const { issuer, way, mint, codeAt } = await setUp()
    issuer.revoke({ sid: 's1.x', before: NOW + 60 })
    const [token, other] = [await mint('s1.x'), await mint('eu.y')]
    expect([await codeAt(token), await codeAt(other)]).toEqual([REVOKED, 'accepted'])
    // Another isolate has read one database earlier and another database later.
    const list = await issuer.mint({
      audience: AUDIENCE,
      header: { typ: 'revocations+jwt' },
      claims: {
        sequence: 1,
        until: 'DB-0.SESSIONS_EU-1',
        window: 3600,
        revocations: [{ sid: 'eu.y', before: NOW + 60 }],
      },
    })
    way.replace = () => new Response(list)
    await codeAt(token)
    expect([await codeAt(token), await codeAt(other)]).toEqual([REVOKED, REVOKED])
  })

  it('the verifier drops known entries if they and the whole list together exceed the limit', async () => {
    const { issuer, way, errors, mint, codeAt } = await setUp({ maxEntries: 2 })
    for (const sid of ['s1.a', 's1.b']) issuer.revoke({ sid, before: NOW + 60 })
    await codeAt(await mint('s1.a'))
    const list = await issuer.mint({
      audience: AUDIENCE,
      header: { typ: 'revocations+jwt' },
      claims: { sequence: 3, until: '3', window: 3600, revocations: [{ all: true, before: NOW }] },
    })
    way.replace = () => new Response(list)
    await codeAt(await mint('s1.a'))
    expect(await codeAt(await mint('s1.a', NOW))).toBe('accepted')
    expect(await codeAt(await mint('s1.a', NOW - 1))).toMatch('before a revocation of all tokens')
    expect(errors).toEqual([])
  })

  it('an unreachable issuer gets one request for each poll', async () => {
    const { way, exchanges, mint, codeAt } = await setUp()
    const token = await mint('s1.x')
    await codeAt(token)
    way.replace = () => new Response(null, { status: 503 })
    await codeAt(token)
    expect(exchanges.map(({ query }) => query)).toEqual(['', '?since=0'])
  })

  it('the verifier drops an entry only after all its tokens have expired', async () => {
    const { issuer, errors, mint, codeAt } = await setUp({ maxEntries: 2 })
    const token = await mint('s1.x', NOW + 3500)
    for (const sid of ['s1.a', 's1.b']) issuer.revoke({ sid, before: NOW })
    await codeAt(await mint('s1.a'), NOW)
    issuer.revoke({ sid: 's1.x', before: NOW + 3560 })
    // An entry is kept for the window, the leeway and one minute. Until then the list exceeds the limit by one.
    await codeAt(token, NOW + 3600 + 64)
    expect(errors).toEqual(['the revocation feed has more than 2 entries (revocations.maxEntries)'])
    await codeAt(token, NOW + 3600 + 65)
    expect(await codeAt(token, NOW + 3600 + 65)).toBe(REVOKED)
  })
})

describe('an entry for all tokens', () => {
  it('the entry revokes only tokens that were issued before its second', async () => {
    const { issuer, mint, codeAt } = await setUp()
    issuer.revoke({ all: true, before: NOW - 10 })
    expect(await codeAt(await mint('s1.x', NOW - 11))).toBe(
      'invalid_token: it was issued before a revocation of all tokens',
    )
    expect(await codeAt(await mint('s1.x', NOW - 10))).toBe('accepted')
  })
})

describe('a feed that is too large', () => {
  const TOO_LARGE = 'the revocation feed (revocations.maxBytes) is larger than 2000 bytes'
  const TOO_MANY = 'the revocation feed has more than 20 entries (revocations.maxEntries)'

  it.each([
    ['bytes', { maxBytes: 2000 }, TOO_LARGE],
    ['entries', { maxEntries: 20 }, TOO_MANY],
  ] as const)(
    'a feed with too many %s is reported once, and an open API keeps the last list',
    async (_by, limit, message) => {
      const { issuer, errors, mint, codeAt } = await setUp(limit)
      issuer.revoke({ sid: 's1.known', before: NOW + 60 })
      await codeAt(await mint('s1.x'))
      for (let i = 0; i < 100; i++) issuer.revoke({ sid: `s1.${i}`, before: NOW + 60 })
      for (let i = 0; i < 3; i++) await codeAt(await mint('s1.x'))
      expect(errors).toEqual([message])
      expect(await codeAt(await mint('s1.known'), NOW + 600)).toBe(REVOKED)
      expect(await codeAt(await mint('s1.7'), NOW + 600)).toBe('accepted')
    },
  )

  it('a closed API refuses tokens after its last list is too old, and the error has the cause', async () => {
    const { issuer, mint, codeAt } = await setUp({ maxBytes: 2000, whenStale: 'closed', maxAgeSeconds: 60 })
    await codeAt(await mint('s1.x'))
    for (let i = 0; i < 100; i++) issuer.revoke({ sid: `s1.${i}`, before: NOW + 60 })
    expect(await codeAt(await mint('s1.x'), NOW + 60)).toBe('accepted')
    expect(await codeAt(await mint('s1.x'), NOW + 61)).toBe(
      `temporarily_unavailable: the revocations are older than maxAgeSeconds: ${TOO_LARGE}`,
    )
  })

  it('the verifier stops reading at the limit, for any Content-Length', async () => {
    const { way, errors, mint, codeAt } = await setUp({ maxBytes: 2000 })
    let pulled = 0
    way.replace = () => {
      const body = new ReadableStream({
        pull(controller) {
          pulled++
          if (pulled > 1000) controller.close()
          else controller.enqueue(new Uint8Array(1000))
        },
      })
      const response = new Response(body)
      return Object.assign(response, { clone: () => new Response('') })
    }
    await codeAt(await mint('s1.x'))
    expect(errors).toEqual([TOO_LARGE])
    expect(pulled).toBeLessThan(10)
  })

  it('the error goes to the console if onError is absent', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { issuer, mint, codeAt } = await setUp({ maxEntries: 1, onError: undefined })
    for (const sid of ['s1.a', 's1.b']) issuer.revoke({ sid, before: NOW + 60 })
    await codeAt(await mint('s1.x'))
    expect(warn.mock.calls).toEqual([
      [
        '@sallyport/verify: the revocations were not updated: the revocation feed has more than 1 entries (revocations.maxEntries)',
      ],
    ])
  })
})

describe('a signed list that has expired', () => {
  it('an expired list is refused, and the last list stays in use', async () => {
    const { issuer, way, errors, mint, codeAt } = await setUp()
    issuer.revoke({ sid: 's1.a', before: NOW + 60 })
    const old = await issuer.fetch(`${issuer.url}/revocations`, {
      headers: {},
      signal: new AbortController().signal,
    })
    const text = await old.text()
    way.replace = () => new Response(text)
    const later = NOW + 2 * 86_400
    const token = await mint('s1.a', later)
    expect(await codeAt(token, later)).toBe('accepted')
    expect(errors).toEqual(['"exp" claim timestamp check failed'])
  })
})

describe('the keys and the metadata of an issuer', () => {
  it.each(['/.well-known/jwks.json', '/.well-known/oauth-authorization-server'])(
    'the verifier stops reading a document at one megabyte: %s',
    async (path) => {
      const issuer = await createTestIssuer()
      const fetch: typeof issuer.fetch = async (url, init) =>
        new URL(url).pathname === path ? new Response('x'.repeat(1024 * 1024 + 1)) : issuer.fetch(url, init)
      const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, fetch })
      const refusal = verifier.verify(await issuer.mint({ audience: AUDIENCE })).catch((error) => error)
      const { code, cause } = await refusal
      expect(code).toBe('temporarily_unavailable')
      expect(String(cause)).toBe(`Error: ${issuer.url}${path} is larger than 1048576 bytes`)
    },
  )
})
