import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { requireToken } from '../../packages/verify/src/hono.ts'
import { type DpopOptions, ucpBody } from '../../packages/verify/src/index.ts'
import {
  AUDIENCE,
  bound,
  cart,
  issuer,
  key,
  NOW,
  outcomeOf,
  refusalOf,
  verifierWith,
} from '../support/dpop_api.ts'

const ALGS = 'algs="ES256 RS256 PS256 EdDSA Ed25519"'

describe('the challenges of an API with DPoP (RFC 9449 §7.1)', () => {
  it.each([
    ['no token', undefined, {}, 'Bearer realm="sallyport"'],
    ['no token', 'allowed', {}, `Bearer realm="sallyport", DPoP realm="sallyport", ${ALGS}`],
    ['no token', 'required', {}, `DPoP realm="sallyport", ${ALGS}`],
    ['a DPoP token', undefined, { Authorization: `DPoP ${bound}` }, 'Bearer realm="sallyport"'],
    [
      'a wrong bearer token',
      'allowed',
      { Authorization: 'Bearer x' },
      `Bearer realm="sallyport", error="invalid_token", DPoP realm="sallyport", ${ALGS}`,
    ],
    [
      'a wrong bearer token',
      'required',
      { Authorization: 'Bearer x' },
      `DPoP realm="sallyport", error="invalid_token", ${ALGS}`,
    ],
    [
      'a token without a proof',
      'allowed',
      { Authorization: `DPoP ${bound}` },
      `DPoP realm="sallyport", error="invalid_dpop_proof", ${ALGS}`,
    ],
  ] as const)(
    'a request with %s, with dpop %s, gets the schemes of the API',
    async (_what, dpop, headers, expected) => {
      const error = await refusalOf(verifierWith(dpop), cart({ ...headers }))
      expect([error.status, error.challenge]).toEqual([401, expected])
    },
  )

  it.each([
    ['allowed', {}],
    ['required', { dpop_bound_access_tokens_required: true }],
  ] as const)(
    'the document of an API with dpop %s names the algorithms (RFC 9728 §2)',
    async (dpop, more) => {
      const verifier = verifierWith(dpop, { resourceMetadata: {} })
      const url = 'https://shop.test/.well-known/oauth-protected-resource/api'
      expect(await verifier.serveResourceMetadata(new Request(url))?.json()).toEqual({
        resource: AUDIENCE,
        authorization_servers: [issuer.url],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
        ...more,
      })
    },
  )
})

it('a refusal of UCP asks the platform for a new proof, and not the user', async () => {
  const verifier = verifierWith('required', { body: ucpBody({ version: '2026-04-08' }) })
  const { body } = await refusalOf(verifier, cart({ Authorization: `DPoP ${bound}` }))
  const content = 'The request needs a new DPoP proof.'
  expect(body).toEqual({
    ucp: { version: '2026-04-08', status: 'error' },
    messages: [{ type: 'error', code: 'invalid_dpop_proof', content, severity: 'recoverable' }],
  })
})

describe('an API with a nonce (RFC 9449 §9)', () => {
  const nonceSecret = 'a secret of the API, 32 characters or more'
  const dpop = { mode: 'required', nonceSecret } as const

  it('the API asks for a nonce, and every isolate with its secret accepts it', async () => {
    const app = new Hono().get('/api/cart', requireToken(verifierWith(dpop)), (c) =>
      c.json(c.get('token').subject),
    )
    const send = async (nonce?: string) => app.request(await key.authorize(cart(), bound, { nonce }))
    const asked = await send()
    expect([asked.status, asked.headers.get('WWW-Authenticate'), await asked.json()]).toEqual([
      401,
      `DPoP realm="sallyport", error="use_dpop_nonce", ${ALGS}`,
      { error: 'use_dpop_nonce' },
    ])
    const nonce = asked.headers.get('DPoP-Nonce') ?? ''
    const answer = await send(nonce)
    expect([answer.status, await answer.json(), answer.headers.get('DPoP-Nonce')]).toEqual([
      200,
      'user:1',
      null,
    ])
    const elsewhere = await key.authorize(cart(), bound, { nonce })
    expect((await verifierWith(dpop).verify(elsewhere)).keyThumbprint).toBe(key.thumbprint)
  })

  it('a nonce is valid for 120 seconds, and a forged nonce is refused', async () => {
    const verifier = verifierWith(dpop)
    const { nonce } = await refusalOf(verifier, await key.authorize(cart(), bound, { now: NOW }))
    const forged = `${NOW + 120}.${nonce?.split('.')[1]}`
    const wrong = await refusalOf(
      verifierWith({ ...dpop, nonceSecret: 'x'.repeat(32) }),
      await key.authorize(cart(), bound, { now: NOW }),
    )
    const given: [string | null, number][] = [
      [nonce, NOW + 119],
      [nonce, NOW + 120],
      [forged, NOW + 120],
      [`${nonce}.x`, NOW],
      [wrong.nonce, NOW],
      ['', NOW],
    ]
    const outcomes = given.map(async ([text, now]) =>
      outcomeOf(verifier, await key.authorize(cart(), bound, { nonce: text ?? '', now }), now),
    )
    const refused = 'use_dpop_nonce: the proof has no current nonce'
    expect(await Promise.all(outcomes)).toEqual(['accepted', ...Array(5).fill(refused)])
  })
})

const WRONG: [dpop: unknown, message: string][] = [
  ...['shop.test', 'https://shop.test/', 'https://shop.test/?a', 7].map((publicUrl): [unknown, string] => [
    { mode: 'allowed', publicUrl },
    'dpop.publicUrl must be a URL without a slash at the end, such as https://shop.example',
  ]),
  [true, "dpop must be 'allowed', 'required' or an object with one of them as mode"],
  [null, "dpop must be 'allowed', 'required' or an object with one of them as mode"],
  [{}, "dpop must be 'allowed', 'required' or an object with one of them as mode"],
  [{ mode: 'allowed', nonceSecret: 'short' }, 'dpop.nonceSecret must have at least 32 characters'],
  [{ mode: 'allowed', replayStore: {} }, 'dpop.replayStore must have the method remember'],
]

it.each(WRONG)('createVerifier refuses a wrong option dpop: %j', (dpop, message) => {
  expect(() => verifierWith(dpop as DpopOptions)).toThrow(new TypeError(message))
})
