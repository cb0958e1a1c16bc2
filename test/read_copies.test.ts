import { base64url, exportJWK, generateKeyPair } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { addressOfLast } from '../src/storage/last_response_store.ts'
import { OLDEST_COPY_SECONDS } from '../src/storage/read_copy_store.ts'
import { type KvValue, readKv, writeKv } from './support/copies.ts'
import { D1_DOWN, KV_DOWN } from './support/faults.ts'
import { machineToken } from './support/keys.ts'
import {
  credentials,
  emptyStores,
  ISSUER,
  type TestClient,
  type TestClock,
  TestServer,
} from './support/server.ts'
import { verify } from './support/tokens.ts'

function newSecret(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(32)))
}

/** Changes of a copy by an attacker with write access to KV. */
const FORGERIES: readonly [string, (copy: KvValue) => KvValue][] = [
  ['has no MAC', ({ value, metadata }) => ({ value, metadata: { ...Object(metadata), mac: undefined } })],
  ['has no metadata', ({ value }) => ({ value, metadata: null })],
  ['has another text', ({ value, metadata }) => ({ value: value.replace('{', '{ '), metadata })],
  [
    'has another time',
    ({ value, metadata }) => ({
      value,
      metadata: { ...Object(metadata), savedAt: Object(metadata).savedAt + 1 },
    }),
  ],
  [
    'has the MAC of an empty key',
    ({ value, metadata }) => ({ value, metadata: { ...Object(metadata), mac: '' } }),
  ],
]

async function askForToken(server: TestServer, client: TestClient): Promise<number> {
  const body = { grant_type: 'client_credentials', ...credentials(client) }
  return (await server.postJson(body)).status
}

describe('a copy in KV', () => {
  beforeEach(emptyStores)

  it.each(FORGERIES)(
    'a copy that %s is ignored: the server reads D1 and writes the copy again',
    async (_, forge) => {
      const server = new TestServer()
      const client = await server.addClient()
      // Creating the first key is a change. It happens before the copy of the client is written, and so keeps that copy.
      await server.fetch('/.well-known/jwks.json')
      await machineToken(server, client)
      for (const key of ['keys', `client:${client.id}`]) {
        const copy = await readKv(key)
        await writeKv(key, forge(copy))
        expect(await askForToken(new TestServer({ clock: server.clock, env: { DB: D1_DOWN } }), client)).toBe(
          503,
        )
        await machineToken(server.anotherIsolate(), client)
        expect(await readKv(key)).toEqual(copy)
      }
    },
  )

  it('the MAC of a copy includes its name: the copy of another client is ignored', async () => {
    const server = new TestServer()
    const [client, disabled] = [await server.addClient(), await server.addClient({ enabled: false })]
    await machineToken(server, client)
    await askForToken(server, disabled)
    const copy = await readKv(`client:${disabled.id}`)
    const enabled = { ...copy, value: copy.value.replace('"enabled":false', '"enabled":true') }
    const others = { ...(await readKv(`client:${client.id}`)) }
    for (const forged of [enabled, others]) {
      await writeKv(`client:${disabled.id}`, forged)
      expect(await askForToken(server.anotherIsolate(), disabled)).toBe(401)
    }
  })

  it("a copy with an attacker's signing key publishes and verifies nothing", async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const token = await machineToken(server, client)
    const { value, metadata } = await readKv('keys')
    const { publicKey } = await generateKeyPair('ES256')
    const { x, y } = await exportJWK(publicKey)
    const [key] = JSON.parse(value)
    const forged = JSON.stringify([{ ...key, publicJwk: { ...key.publicJwk, x, y } }])
    await writeKv('keys', { value: forged, metadata })
    const response = await server.anotherIsolate().fetch('/.well-known/jwks.json')
    expect(await response.json()).toEqual({ keys: [key.publicJwk] })
    await verify(server.anotherIsolate(), token)
  })

  it('a copy verifies under the old and the new SEALING_KEY during the change, and is written again afterwards', async () => {
    const secret = newSecret()
    const before = new TestServer()
    const client = await before.addClient()
    await machineToken(before, client)
    const both = new TestServer({ env: { SEALING_KEY_NEXT: secret } })
    const bothWithoutD1 = new TestServer({ env: { SEALING_KEY_NEXT: secret, DB: D1_DOWN } })
    expect(await askForToken(bothWithoutD1, client)).toBe(200)
    await both.cron()
    const after = () => new TestServer({ env: { SEALING_KEY: secret } })
    expect(await askForToken(after(), client)).toBe(200)
    const afterWithoutD1 = new TestServer({ env: { SEALING_KEY: secret, DB: D1_DOWN } })
    expect(await askForToken(afterWithoutD1, client)).toBe(200)
  })

  it('a copy older than a week is not used, also while D1 is down', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    await machineToken(server, client)
    const isolate = (clock: TestClock) => new TestServer({ clock, env: { DB: D1_DOWN } })
    server.clock.time += OLDEST_COPY_SECONDS - 1
    expect(await askForToken(isolate(server.clock), client)).toBe(200)
    server.clock.time += 1
    expect(await askForToken(isolate(server.clock), client)).toBe(503)
  })
})

describe('a response in the Cache API', () => {
  beforeEach(emptyStores)

  it.each(['jwks', 'revocations'])('a changed or renamed response is not served: %s', async (name) => {
    const server = new TestServer()
    const path = name === 'jwks' ? '/.well-known/jwks.json' : '/revocations'
    const ask = () => new TestServer({ clock: server.clock, env: { DB: D1_DOWN, KV: KV_DOWN } }).fetch(path)
    const served = await (await server.fetch(path)).text()
    expect(await (await ask()).text()).toBe(served)
    const address = addressOfLast(name, ISSUER)
    const kept = await caches.default.match(address)
    const other = await caches.default.match(addressOfLast(name === 'jwks' ? 'revocations' : 'jwks', ISSUER))
    const text = (await kept?.text()) ?? ''
    const forgeries = [
      new Response(text.replace('{', '{ '), { headers: kept?.headers ?? {} }),
      new Response(text, { headers: { 'Cache-Control': 'max-age=60' } }),
      ...(other === undefined ? [] : [new Response(await other.text(), { headers: other.headers })]),
    ]
    for (const forged of forgeries) {
      await caches.default.put(address, forged)
      expect((await ask()).status).toBe(503)
    }
  })
})
