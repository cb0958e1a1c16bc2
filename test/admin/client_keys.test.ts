import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { CLIENT_MARGIN_SECONDS } from '../../src/storage/copy_ages.ts'
import { asserted, KeyClient, newKey } from '../support/assertions.ts'
import { CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { TestOperator } from '../support/operator.ts'
import { credentials, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'

const MACHINE = { grant_type: 'client_credentials' }
const draftOf = (jwks: unknown) => ({
  client_id: `keys-${crypto.randomUUID()}`,
  api: 'storefront',
  grants: ['client_credentials'],
  jwks,
})

/** The errors of a refused request, as path and message. */
function errorsOf({ body }: { body: Record<string, unknown> }): [string, string][] {
  return (body.errors as { path: string; message: string }[]).map(({ path, message }) => [path, message])
}

describe('the keys of a client in the admin API', () => {
  it('a client with keys has no secret, and signs with each key that it has now', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const [first, second] = [await newKey('RS256'), await newKey('ES256')]
    const draft = draftOf({ keys: [first.jwk] })
    const { status, body } = await operator.post('/clients', draft)
    expect([status, body]).toMatchObject([201, { jwks: draft.jwks, secrets: [], client_secret: null }])
    const client = { ...(await server.addClient()), id: draft.client_id }
    const [old, next] = [first, second].map((key) => new KeyClient(server, client, key))
    expect((await old?.post(MACHINE))?.status).toBe(200)
    expect((await next?.post(MACHINE))?.status).toBe(401)
    const both = { jwks: { keys: [first.jwk, second.jwk] } }
    const changed = await operator.patch(`/clients/${client.id}`, both, '"1"')
    expect([changed.status, changed.body]).toMatchObject([200, both])
    expect((await old?.post(MACHINE))?.status).toBe(200)
    expect((await next?.post(MACHINE))?.status).toBe(200)
    const refused = await operator.post(`/clients/${client.id}/secrets`)
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      'The client is public, has keys, or has two live secrets. Retire one first.',
    ])
    const events = (await operator.get(`/audit?client_id=${client.id}`)).body.items
    const audited = expect.objectContaining({ operation: 'updateClient', to: both })
    expect(events).toContainEqual(expect.objectContaining({ change: audited }))
  })

  it('a removed key is refused at once, also at an isolate with an old copy of the client', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await KeyClient.add(server, { ...CODE_CLIENT, confidential: true })
    const user = await server.addUser()
    const exchange = async (code: string, isolate: TestServer) => {
      const { client_id: _, client_secret: _secret, ...parameters } = exchangeOf(client.client, code)
      return isolate.postJson({ ...parameters, ...asserted(await client.sign()) })
    }
    const old = server.anotherIsolate()
    const begun = await exchange(await newCode(server, client, user.id), old)
    const { refresh_token } = await begun.json<{ refresh_token: string }>()
    const refresh = async (isolate: TestServer) =>
      isolate.postJson({ grant_type: 'refresh_token', refresh_token, ...asserted(await client.sign()) })
    const path = `/clients/${client.id}`
    const next = await newKey()
    const { headers } = await operator.get(path)
    const changed = await operator.patch(path, { jwks: { keys: [next.jwk] } }, headers.get('ETag'))
    expect(changed.status).toBe(200)
    for (const isolate of [old, server]) {
      for (const response of [
        await refresh(isolate),
        await exchange(await newCode(server, client, user.id), isolate),
      ])
        expect([response.status, await response.json()]).toEqual([
          401,
          { error: 'invalid_client', error_description: 'Client authentication failed.' },
        ])
    }
    // The session continues with the new key.
    const renewed = new KeyClient(server, client.client, next)
    expect((await renewed.post({ grant_type: 'refresh_token', refresh_token })).status).toBe(200)
  })

  it('a client that gets keys loses its secrets, and without keys it needs a new secret', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const key = await newKey()
    const path = `/clients/${client.id}`
    const given = await operator.patch(path, { jwks: { keys: [key.jwk] } }, '"1"')
    expect([given.status, given.body.secrets]).toEqual([200, []])
    expect((await server.postJson({ ...MACHINE, ...credentials(client) })).status).toBe(401)
    expect((await new KeyClient(server, client, key).post(MACHINE)).status).toBe(200)
    const taken = await operator.patch(path, { jwks: null }, '"2"')
    const ended = expect.objectContaining({ expires_at: server.clock.time })
    expect([taken.status, taken.body.secrets]).toEqual([200, [ended]])
    expect((await server.postJson({ ...MACHINE, ...credentials(client) })).status).toBe(401)
    expect((await new KeyClient(server, client, key).post(MACHINE)).status).toBe(401)
    const { body } = await operator.post(`${path}/secrets`)
    const secret = { client_id: client.id, client_secret: body.client_secret }
    expect((await server.postJson({ ...MACHINE, ...secret })).status).toBe(200)
  })

  it('the removal of a key of a service account revokes its earlier tokens, and new keys need the password', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const scopes = ['users:read' as const]
    const client = await KeyClient.add(server, { api: 'admin', grants: ['client_credentials'], scopes })
    const tokens = async (key: KeyClient) => (await key.post(MACHINE)).json<TestServiceAccount['tokens']>()
    const account = new TestServiceAccount(server, client.client, await tokens(client))
    expect((await account.get('/users')).status).toBe(200)
    const next = await newKey()
    const path = `/clients/${client.id}`
    const edit = { jwks: { keys: [next.jwk] } }
    const unconfirmed = await operator.patch(path, edit, '"1"')
    expect([unconfirmed.status, unconfirmed.body.type]).toEqual([
      403,
      'urn:problem-type:sallyport:confirmation-required',
    ])
    const confirmed = await TestOperator.confirmed(server)
    expect((await confirmed.patch(path, edit, '"1"')).status).toBe(200)
    expect((await account.get('/users')).status).toBe(401)
    server.clock.time += CLIENT_MARGIN_SECONDS + 1
    const renewed = await tokens(new KeyClient(server, client.client, next))
    expect((await new TestServiceAccount(server, client.client, renewed).get('/users')).status).toBe(200)
  })

  it('only a confidential client can have keys, and only public keys that are strong enough', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const good = (await newKey()).jwk
    const rsa = (await newKey('RS256')).jwk
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const publicOnly = 'must be a public key, without the members of a private or symmetric key'
    const kinds = 'must be an RSA key, an EC key on P-256 or an OKP key on Ed25519'
    const modulus = 'must have a modulus of 2048 to 8192 bits in base64url'
    const algorithms = 'must have no alg except one of RS256, PS256, ES256, EdDSA, Ed25519 that fits the key'
    const bad: [unknown, string][] = [
      [await exportJWK(privateKey), publicOnly],
      [{ kty: 'oct', k: 'AAAA' }, publicOnly],
      [{ ...good, kty: 'oct' }, kinds],
      [{ ...good, crv: 'P-384' }, kinds],
      [{ ...good, crv: 'secp256k1' }, kinds],
      [{ ...good, x: 'AAAA' }, 'must have coordinates of 32 bytes in base64url'],
      [{ ...good, y: undefined }, 'must have coordinates of 32 bytes in base64url'],
      [{ ...good, x: `${good.x}=` }, 'must have coordinates of 32 bytes in base64url'],
      [{ ...rsa, n: String(rsa.n).slice(0, 170) }, modulus],
      [{ ...rsa, n: `A${String(rsa.n).slice(1, -4)}` }, modulus],
      [{ ...rsa, n: undefined }, modulus],
      [{ ...rsa, e: undefined }, 'must have an exponent of at most 4 bytes in base64url'],
      [{ ...good, use: 'enc' }, 'must have no use except sig'],
      [{ ...good, key_ops: ['sign'] }, 'must have no key_ops without verify'],
      [{ ...good, alg: 'HS256' }, algorithms],
      [{ ...good, alg: 'RS256' }, algorithms],
      [{ ...good, kid: 5 }, 'must have a kid of at most 256 characters'],
    ]
    for (const [jwk, message] of bad) {
      const response = await operator.post('/clients', draftOf({ keys: [good, jwk] }))
      expect([jwk, response.status, ...errorsOf(response)]).toEqual([jwk, 422, ['jwks.keys.1', message]])
    }
    const set = 'must be a JSON Web Key Set, such as {"keys": [{"kty": "EC", …}]}'
    for (const [jwks, error] of [
      ['keys', ['jwks', set]],
      [[good], ['jwks', set]],
      [{ keys: [] }, ['jwks.keys', 'must have at least one key']],
      [{ keys: Array(11).fill(good) }, ['jwks.keys', 'must have at most 10 keys']],
      [{ keys: [{ ...good, x5c: ['x'.repeat(9000)] }] }, ['jwks', 'must have at most 8192 characters']],
    ]) {
      const response = await operator.post('/clients', draftOf(jwks))
      expect([response.status, ...errorsOf(response)]).toEqual([422, error])
    }
    const ofPublic = { ...draftOf({ keys: [good] }), confidential: false, grants: ['password'] }
    expect(errorsOf(await operator.post('/clients', ofPublic))).toEqual([
      ['jwks', 'must be absent, because the client is public'],
    ])
    const audience = await operator.post('/clients', {
      ...draftOf({ keys: [good] }),
      assertion_audience: 'any',
    })
    expect(errorsOf(audience)).toEqual([['assertion_audience', 'must be one of issuer, token_endpoint']])
  })

  it('an import adds clients with keys and gives them no secret', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const key = await newKey()
    const [good, both] = [
      draftOf({ keys: [key.jwk] }),
      { ...draftOf({ keys: [key.jwk] }), client_secret: 's'.repeat(40) },
    ]
    const { body } = await operator.post('/clients/import', { rows: [good, both] })
    expect(body.results).toEqual([
      { index: 0, status: 'created', reason: null, client_secret: null },
      {
        index: 1,
        status: 'refused',
        reason: 'client_secret: must be absent: the client has keys',
        client_secret: null,
      },
    ])
    const client = { ...(await server.addClient()), id: good.client_id }
    expect((await new KeyClient(server, client, key).post(MACHINE)).status).toBe(200)
  })
})
