import { decodeJwt, SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyDpopProof } from '../../packages/verify/src/dpop_proof.ts'
import { CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { DpopKey } from '../support/dpop.ts'
import {
  basic,
  credentials,
  emptyStores,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenResponse,
} from '../support/server.ts'

let server: TestServer
let key: DpopKey
let other: DpopKey

beforeEach(async () => {
  await emptyStores()
  server = new TestServer()
  key = await DpopKey.create()
  other = await DpopKey.create()
})

const machine = (client: TestClient) => ({ grant_type: 'client_credentials', ...credentials(client) })

/** Sends a token request with a proof, or without one for null. */
const send = (parameters: object, proof: string | null) =>
  server.postJson(parameters, proof === null ? {} : { DPoP: proof })

async function tokensOf(response: Response): Promise<TokenResponse> {
  expect(response.status).toBe(200)
  return response.json<TokenResponse>()
}

const boundKeyOf = (token = '') => (decodeJwt(token).cnf as { jkt?: string } | undefined)?.jkt ?? null

async function errorOf(response: Response): Promise<unknown[]> {
  return [response.status, (await response.json<{ error: string }>()).error]
}

describe('the proof in a token request (RFC 9449 §4.3)', () => {
  it.each(['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'])(
    'a proof with %s binds the access token to its key',
    async (alg) => {
      const client = await server.addClient()
      const signer = await DpopKey.create(alg)
      const tokens = await tokensOf(await send(machine(client), await signer.prove(server)))
      expect(tokens.token_type).toBe('DPoP')
      expect(boundKeyOf(tokens.access_token)).toBe(signer.thumbprint)
      const plain = await tokensOf(await send(machine(client), null))
      expect([plain.token_type, boundKeyOf(plain.access_token)]).toEqual(['Bearer', null])
    },
  )

  it('EdDSA and Ed25519 are two names of the algorithm of one key (RFC 9864 §2.2)', async () => {
    const client = await server.addClient()
    const signer = await DpopKey.create('EdDSA')
    const keys: (string | null)[] = []
    for (const alg of ['EdDSA', 'Ed25519']) {
      const proof = await signer.prove(server, { header: { alg } })
      keys.push(boundKeyOf((await tokensOf(await send(machine(client), proof))).access_token))
    }
    expect(keys).toEqual([signer.thumbprint, signer.thumbprint])
    const wrong = await key.prove(server, { header: { jwk: signer.jwk } })
    expect(await errorOf(await send(machine(client), wrong))).toEqual([400, 'invalid_dpop_proof'])
  })

  it('the token endpoint refuses a proof for another request, time, type or key', async () => {
    const client = await server.addClient()
    const { time } = server.clock
    const right = await key.prove(server)
    const [head = '', body = '', signature = ''] = right.split('.')
    const symmetricKey = { kty: 'oct', k: 'AAAA' }
    const symmetric = await new SignJWT({ jti: 'x', htm: 'POST', htu: 'x', iat: time })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk: symmetricKey })
      .sign(new Uint8Array(32))
    const wrong: Record<string, string> = {
      'another method': await key.prove(server, { method: 'GET' }),
      'another path': await key.prove(server, { path: '/oauth2-token/par' }),
      'another host': await key.prove(server, { claims: { htu: 'https://other.test/oauth2-token' } }),
      'no URL': await key.prove(server, { claims: { htu: 'oauth2-token' } }),
      'no method': await key.prove(server, { claims: { htm: undefined } }),
      'too old': await key.prove(server, { claims: { iat: time - 61 } }),
      'from the future': await key.prove(server, { claims: { iat: time + 61 } }),
      'no time': await key.prove(server, { claims: { iat: undefined } }),
      'no id': await key.prove(server, { claims: { jti: undefined } }),
      'an empty id': await key.prove(server, { claims: { jti: '' } }),
      'a number as the id': await key.prove(server, { claims: { jti: 1 } }),
      'a long id': await key.prove(server, { claims: { jti: 'x'.repeat(257) } }),
      'an expired proof': await key.prove(server, { claims: { exp: time - 1 } }),
      'another type': await key.prove(server, { header: { typ: 'JWT' } }),
      'no type': await key.prove(server, { header: { typ: undefined } }),
      'no key': await key.prove(server, { header: { jwk: undefined } }),
      'the key of another': await key.prove(server, { header: { jwk: other.jwk } }),
      'a private key': await key.prove(server, { header: { jwk: await key.exportPrivate() } }),
      'a symmetric key': symmetric,
      'no signature': `${head}.${body}.`,
      'another body': `${head}.${body.slice(0, -2)}AA.${signature}`,
      'a padded signature': `${right}=`,
      'two proofs': `${right}, ${await key.prove(server)}`,
      'no proof': 'x',
      'a long text': 'x'.repeat(8193),
    }
    const results = await Promise.all(
      Object.entries(wrong).map(async ([what, proof]) => [
        what,
        ...(await errorOf(await send(machine(client), proof))),
      ]),
    )
    expect(results).toEqual(Object.keys(wrong).map((what) => [what, 400, 'invalid_dpop_proof']))
    expect((await send(machine(client), right)).status).toBe(200)
  })

  it('a text that is no URL matches no request, also if the URL of the request cannot be read', async () => {
    const proof = await key.prove(server, { claims: { htu: 'no URL' } })
    const target = { method: 'POST', url: 'also no URL', accessToken: null, now: server.clock.time }
    await expect(verifyDpopProof(proof, target)).rejects.toThrow('another URL')
  })

  it('a query and a fragment in htu do not count', async () => {
    const client = await server.addClient()
    const proof = await key.prove(server, { path: '/oauth2-token?a=b#c' })
    expect((await send(machine(client), proof)).status).toBe(200)
  })

  it('a proof works once, and of forty parallel requests with it one gets a token', async () => {
    const client = await server.addClient()
    const proof = await key.prove(server)
    const responses = await Promise.all(Array.from({ length: 40 }, () => send(machine(client), proof)))
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1)
    server.clock.time += 60
    expect(await errorOf(await send(machine(client), proof))).toEqual([400, 'invalid_dpop_proof'])
  })

  it('a wrong secret is refused before the proof, and does not use it', async () => {
    const client = await server.addClient()
    const proof = await key.prove(server)
    const wrong = { ...machine(client), client_secret: 'wrong' }
    expect(await errorOf(await send(wrong, proof))).toEqual([401, 'invalid_client'])
    expect((await send(machine(client), proof)).status).toBe(200)
  })
})

describe('a client with dpop_bound_access_tokens', () => {
  it('needs a proof with a nonce, which every isolate accepts for 120 seconds (RFC 9449 §8)', async () => {
    const client = await server.addClient({ bindsTokens: true })
    expect(await errorOf(await send(machine(client), null))).toEqual([400, 'invalid_dpop_proof'])
    const asked = await send(machine(client), await key.prove(server))
    const nonce = asked.headers.get('DPoP-Nonce')
    expect([await errorOf(asked), nonce]).toEqual([[400, 'use_dpop_nonce'], expect.any(String)])
    const withNonce = (text: unknown) => key.prove(server, { claims: { nonce: text } })
    const elsewhere = new TestServer({ clock: server.clock })
    const answer = await elsewhere.postJson(machine(client), { DPoP: await withNonce(nonce) })
    expect((await tokensOf(answer)).token_type).toBe('DPoP')
    server.clock.time += 119
    expect((await send(machine(client), await withNonce(nonce))).status).toBe(200)
    server.clock.time += 1
    const forged = `${server.clock.time}.${nonce?.split('.')[1]}`
    for (const text of [nonce, forged, '', 'x', '.', `${server.clock.time}.`, '9'.repeat(20)]) {
      const refused = await send(machine(client), await withNonce(text))
      expect(await errorOf(refused)).toEqual([400, 'use_dpop_nonce'])
    }
    expect(await errorOf(await send(machine(client), await withNonce(1)))).toEqual([
      400,
      'invalid_dpop_proof',
    ])
  })
})

describe('the session of a bound token', () => {
  it('a public client refreshes only with a proof of the same key, and a wrong proof does not use the token (RFC 9449 §5)', async () => {
    const client = await server.addClient({ confidential: false })
    const { username } = await server.addUser()
    const signIn = { grant_type: 'password', client_id: client.id, username }
    const first = await tokensOf(await send({ ...signIn, password: PASSWORD }, await key.prove(server)))
    expect([boundKeyOf(first.access_token), boundKeyOf(first.refresh_token)]).toEqual([
      key.thumbprint,
      key.thumbprint,
    ])
    const refresh = { grant_type: 'refresh_token', client_id: client.id, refresh_token: first.refresh_token }
    expect(await errorOf(await send(refresh, null))).toEqual([400, 'invalid_dpop_proof'])
    expect(await errorOf(await send(refresh, await other.prove(server)))).toEqual([400, 'invalid_grant'])
    const second = await tokensOf(await send(refresh, await key.prove(server)))
    expect([second.token_type, boundKeyOf(second.access_token), boundKeyOf(second.refresh_token)]).toEqual([
      'DPoP',
      key.thumbprint,
      key.thumbprint,
    ])
    const retry = await tokensOf(await send(refresh, await key.prove(server)))
    expect(decodeJwt(retry.refresh_token ?? '').jti).toBe(decodeJwt(second.refresh_token ?? '').jti)
  })

  it('a client that authenticates can change its key, and cannot leave it out', async () => {
    const client = await server.addClient()
    const { username } = await server.addUser()
    const signIn = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
    const first = await tokensOf(await send(signIn, await key.prove(server)))
    const refresh = {
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token: first.refresh_token,
    }
    expect(await errorOf(await send(refresh, null))).toEqual([400, 'invalid_dpop_proof'])
    const second = await tokensOf(await send(refresh, await other.prove(server)))
    expect(boundKeyOf(second.access_token)).toBe(other.thumbprint)
  })

  it('a session without a key is bound from the first refresh with a proof', async () => {
    const client = await server.addClient({ confidential: false })
    const { username } = await server.addUser()
    const first = await server.signIn(client, username)
    const refresh = { grant_type: 'refresh_token', client_id: client.id, refresh_token: first.refresh_token }
    const second = await tokensOf(await send(refresh, await key.prove(server)))
    const next = { ...refresh, refresh_token: second.refresh_token }
    expect(await errorOf(await send(next, null))).toEqual([400, 'invalid_dpop_proof'])
  })

  it('introspection names the key', async () => {
    const client = await server.addClient()
    const { access_token: token } = await tokensOf(await send(machine(client), await key.prove(server)))
    const response = await server.fetch('/oauth2-token/introspect', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: basic(client.id, client.secret) },
      body: JSON.stringify({ token }),
    })
    expect(await response.json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: key.thumbprint },
    })
  })
})

describe('a code that is bound to a key (RFC 9449 §10)', () => {
  it.each([
    ['without a proof', async () => null],
    ['with the proof of another key', async () => other.prove(server)],
  ])('an exchange %s gets invalid_grant and consumes the code', async (_, proofOf) => {
    const client = await server.addClient(CODE_CLIENT)
    const { id } = await server.addUser()
    const code = await newCode(server, client, id, { key: key.thumbprint })
    expect(await errorOf(await send(exchangeOf(client, code), await proofOf()))).toEqual([
      400,
      'invalid_grant',
    ])
    expect(await errorOf(await send(exchangeOf(client, code), await key.prove(server)))).toEqual([
      400,
      'invalid_grant',
    ])
  })

  it('the exchange with the right key gets bound tokens', async () => {
    const client = await server.addClient(CODE_CLIENT)
    const { id } = await server.addUser()
    const code = await newCode(server, client, id, { key: key.thumbprint })
    const tokens = await tokensOf(await send(exchangeOf(client, code), await key.prove(server)))
    expect([tokens.token_type, boundKeyOf(tokens.access_token)]).toEqual(['DPoP', key.thumbprint])
  })
})
