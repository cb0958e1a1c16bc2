import { describe, expect, it } from 'vitest'
import {
  AUDIENCE,
  bound,
  bound2,
  cart,
  key,
  NOW,
  other,
  outcomeOf,
  plain,
  proofFor,
  refusalOf,
  URL_OF_CART,
  verifierWith,
} from '../support/dpop_api.ts'

const NOT_SIGNED = 'invalid_dpop_proof: the proof is not signed by its key'
const OTHER_TOKEN = 'invalid_dpop_proof: the proof is for another access token'

/** The header `DPoP` of a request for the cart with the token `bound`, and the outcome. */
const PROOFS: [what: string, proof: () => Promise<string | null>, outcome: string][] = [
  ['the right proof', () => proofFor(), 'accepted'],
  [
    'a proof whose URL has the query',
    () => proofFor({ claims: { htu: `${URL_OF_CART}?a=b#c` } }),
    'accepted',
  ],
  ['a proof of 60 seconds ago', () => proofFor({ now: NOW - 60 }), 'accepted'],
  ['no proof', async () => null, 'invalid_dpop_proof: the request has no proof'],
  ['an empty header', async () => '', NOT_SIGNED],
  ['two proofs', async () => `${await proofFor()}, ${await proofFor()}`, NOT_SIGNED],
  [
    'a proof for another method',
    () => proofFor({ claims: { htm: 'POST' } }),
    'invalid_dpop_proof: the proof is for another method',
  ],
  [
    'a proof for another path',
    () => proofFor({ claims: { htu: AUDIENCE } }),
    'invalid_dpop_proof: the proof is for another URL',
  ],
  [
    'a proof for another host',
    () => proofFor({ claims: { htu: 'https://other.test/api/cart' } }),
    'invalid_dpop_proof: the proof is for another URL',
  ],
  ['a proof for another token', () => proofFor({ accessToken: bound2 }), OTHER_TOKEN],
  ['a proof without ath', () => proofFor({ accessToken: undefined }), OTHER_TOKEN],
  [
    'a proof of another key',
    () => other.prove(cart(), { accessToken: bound, now: NOW }),
    'invalid_token: it is bound to another key than the proof',
  ],
  [
    'a proof that names the key of the token',
    () => other.prove(cart(), { header: { jwk: key.jwk } }),
    NOT_SIGNED,
  ],
  [
    'a proof of 61 seconds ago',
    () => proofFor({ now: NOW - 61 }),
    'invalid_dpop_proof: the proof is too old or from the future',
  ],
  [
    'a proof of 61 seconds ahead',
    () => proofFor({ now: NOW + 61 }),
    'invalid_dpop_proof: the proof is too old or from the future',
  ],
  ['the access token as proof', async () => bound, NOT_SIGNED],
]

describe('a bound token at an API (RFC 9449 §7)', () => {
  it('the verifier accepts it only with a proof of its key for the request', async () => {
    const verifier = verifierWith('allowed')
    const outcomes = PROOFS.map(async ([what, proofOf]) => {
      const proof = await proofOf()
      const headers = { Authorization: `DPoP ${bound}`, ...(proof !== null && { DPoP: proof }) }
      return [what, await outcomeOf(verifier, cart(headers))]
    })
    expect(await Promise.all(outcomes)).toEqual(PROOFS.map(([what, , outcome]) => [what, outcome]))
  })

  it.each([
    [
      'a bound token as Bearer',
      bound,
      'Bearer',
      undefined,
      'it is bound to a key, and the verifier has no option dpop',
    ],
    [
      'a bound token as Bearer',
      bound,
      'Bearer',
      'allowed',
      'it is bound to a key, and the scheme is not DPoP',
    ],
    [
      'a bound token as Bearer',
      bound,
      'Bearer',
      'required',
      'it is bound to a key, and the scheme is not DPoP',
    ],
    ['a bearer token as DPoP', plain, 'DPoP', 'allowed', 'it is not bound to a key'],
    ['a bearer token as DPoP', plain, 'DPoP', 'required', 'it is not bound to a key'],
    ['a bearer token as Bearer', plain, 'Bearer', 'required', 'it is not bound to a key'],
    [
      'two tokens as DPoP',
      `${bound} ${bound}`,
      'DPoP',
      'allowed',
      'the Authorization header has no DPoP token',
    ],
  ] as const)('the verifier refuses %s: %s %s, with dpop %s', async (_what, token, scheme, dpop, reason) => {
    const proof = await proofFor({ accessToken: token })
    const request = cart({ Authorization: `${scheme} ${token}`, DPoP: proof })
    expect(await outcomeOf(verifierWith(dpop), request)).toBe(`invalid_token: ${reason}`)
  })

  it('the verifier accepts a bearer token where DPoP is allowed, and the scheme in any case', async () => {
    const verifier = verifierWith('allowed')
    expect(await outcomeOf(verifier, cart({ Authorization: `Bearer ${plain}` }))).toBe('accepted')
    expect(await outcomeOf(verifier, plain)).toBe('accepted')
    const request = cart({ Authorization: `dpop ${bound}`, DPoP: await proofFor() })
    expect(await outcomeOf(verifier, request)).toBe('accepted')
  })

  it('verify refuses a bound token without its request', async () => {
    const reason = 'it is bound to a key, so verify needs the request'
    for (const dpop of ['allowed', 'required'] as const)
      expect(await outcomeOf(verifierWith(dpop), bound)).toBe(`invalid_token: ${reason}`)
    const off = 'it is bound to a key, and the verifier has no option dpop'
    expect(await outcomeOf(verifierWith(), bound)).toBe(`invalid_token: ${off}`)
    expect(await outcomeOf(verifierWith('required'), plain)).toBe('invalid_token: it is not bound to a key')
  })

  it.each([
    ['https://public.test', 'https://public.test/api/cart'],
    ['https://public.test/v1', 'https://public.test/v1/api/cart'],
    [(request: Request) => request.url.replace('/api/', '/'), 'https://shop.test/cart'],
  ])('an API behind a proxy names its public URL: %s', async (publicUrl, url) => {
    const verifier = verifierWith({ mode: 'allowed', publicUrl })
    const outcomes = [url, URL_OF_CART].map(async (htu) => {
      const DPoP = await proofFor({ claims: { htu } })
      return outcomeOf(verifier, cart({ Authorization: `DPoP ${bound}`, DPoP }))
    })
    expect(await Promise.all(outcomes)).toEqual([
      'accepted',
      'invalid_dpop_proof: the proof is for another URL',
    ])
  })
})

describe('a proof that is used twice (RFC 9449 §11.1)', () => {
  const USED = 'invalid_dpop_proof: the proof was used before'

  it('an isolate accepts a proof once, also of parallel requests', async () => {
    const verifier = verifierWith('required')
    const DPoP = await proofFor({ now: NOW + 60 })
    const request = () => cart({ Authorization: `DPoP ${bound}`, DPoP })
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(verifier, request())))
    expect(outcomes.toSorted()).toEqual(['accepted', ...Array(19).fill(USED)])
    expect(await outcomeOf(verifier, request(), NOW + 120)).toBe(USED)
  })

  it('a shared store makes all isolates accept a proof once, and gets only a hash of the proof', async () => {
    const ids = new Map<string, number>()
    const replayStore = {
      async remember(id: string, expiresAt: number) {
        if (ids.has(id)) return false
        ids.set(id, expiresAt)
        return true
      },
    }
    const DPoP = await proofFor({ claims: { jti: 'ä'.repeat(256) } })
    const outcomes = []
    for (const mode of ['allowed', 'required'] as const) {
      const request = cart({ Authorization: `DPoP ${bound}`, DPoP })
      outcomes.push(await outcomeOf(verifierWith({ mode, replayStore }), request))
    }
    expect(outcomes).toEqual(['accepted', USED])
    expect([...ids]).toEqual([[expect.stringMatching(/^[\w-]{43}$/), NOW + 121]])
  })

  it('the API responds with 503 while its replay store fails', async () => {
    const replayStore = { remember: () => Promise.reject(new Error('down')) }
    const request = cart({ Authorization: `DPoP ${bound}`, DPoP: await proofFor() })
    const error = await refusalOf(verifierWith({ mode: 'allowed', replayStore }), request)
    expect([error.status, error.code, error.challenge]).toEqual([503, 'temporarily_unavailable', null])
  })
})
