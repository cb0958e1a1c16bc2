import { env } from 'cloudflare:workers'
import {
  base64url,
  CompactEncrypt,
  calculateJwkThumbprint,
  compactDecrypt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
} from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { saveCopy } from './support/copies.ts'
import { D1_DOWN } from './support/faults.ts'
import { machineToken, publishedKids } from './support/keys.ts'
import { emptyStores, TestServer } from './support/server.ts'
import { verify } from './support/tokens.ts'

const sealingKey = () => base64url.decode(env.SEALING_KEY)

async function readRow(): Promise<Record<string, string>> {
  const row = await env.DB.prepare('SELECT * FROM signing_keys').first<Record<string, string>>()
  if (row === null) throw new Error('there is no key')
  return row
}

async function readCopy(): Promise<Record<string, unknown>[]> {
  return JSON.parse((await env.KV.get('keys')) ?? '')
}

/** Seals a key with only its `kid`, as earlier versions did. */
function sealOldForm(text: Uint8Array | string, kid: string): Promise<string> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return new CompactEncrypt(bytes)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .encrypt(sealingKey())
}

async function setUp() {
  const server = new TestServer({ config: { openid: false } })
  const client = await server.addClient()
  const token = await machineToken(server, client)
  return { server, client, token, kids: await publishedKids(server) }
}

describe('a sealed signing key', () => {
  beforeEach(emptyStores)

  it.each([
    ['activatesAt', 60],
    ['createdAt', -60],
    ['retiresAt', 0],
  ])('a copy of a key is not used if its %s differs from the seal', async (member, difference) => {
    const { server, kids, token } = await setUp()
    const [key] = await readCopy()
    const forged = { ...key, [member]: server.clock.time + difference }
    await saveCopy('keys', [forged], server)
    const down = new TestServer({ clock: server.clock, config: { openid: false }, env: { DB: D1_DOWN } })
    await caches.default.delete('https://id.shop.test/.last-responses/jwks')
    expect((await down.fetch('/.well-known/jwks.json')).status).toBe(503)
    const isolate = server.anotherIsolate()
    expect(await publishedKids(isolate)).toEqual(kids)
    await verify(isolate, token)
    expect(await readCopy()).toEqual([key])
  })

  it('the public key is derived from the private key, and another stored public key is not used', async () => {
    const { server, token } = await setUp()
    const published = await (await server.fetch('/.well-known/jwks.json')).json()
    const [key] = await readCopy()
    const { publicKey } = await generateKeyPair('ES256')
    const publicJwk = { ...(await exportJWK(publicKey)), kid: key?.kid, alg: 'ES256', use: 'sig' }
    await env.DB.prepare('UPDATE signing_keys SET public_jwk = ?').bind(JSON.stringify(publicJwk)).run()
    await saveCopy('keys', [{ ...key, publicJwk }], server)
    const isolate = server.anotherIsolate()
    expect(await (await isolate.fetch('/.well-known/jwks.json')).json()).toEqual(published)
    await verify(isolate, token)
  })

  it('a key is refused if its thumbprint is not its kid', async () => {
    const { server } = await setUp()
    const { kid = '' } = await readRow()
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const other = await exportJWK(privateKey)
    expect(await calculateJwkThumbprint(other)).not.toBe(kid)
    const sealed = await sealOldForm(JSON.stringify(other), kid)
    await env.DB.prepare('UPDATE signing_keys SET sealed_private_jwk = ?').bind(sealed).run()
    await env.KV.delete('keys')
    expect((await server.anotherIsolate().fetch('/.well-known/jwks.json')).status).toBe(500)
  })

  it('a key that an earlier version sealed is read only from D1 and resealed by the cron trigger, and no token is refused', async () => {
    const { server, client, token, kids } = await setUp()
    const { kid = '', sealed_private_jwk: sealed = '' } = await readRow()
    const { plaintext } = await compactDecrypt(sealed, sealingKey())
    const old = await sealOldForm(plaintext, kid)
    await env.DB.prepare('UPDATE signing_keys SET sealed_private_jwk = ?').bind(old).run()
    await env.KV.delete('keys')
    const isolate = server.anotherIsolate()
    expect(await publishedKids(isolate)).toEqual(kids)
    await verify(isolate, token)
    await machineToken(isolate, client)
    await caches.default.delete('https://id.shop.test/.last-responses/jwks')
    const down = new TestServer({ clock: server.clock, config: { openid: false }, env: { DB: D1_DOWN } })
    expect((await down.fetch('/.well-known/jwks.json')).status).toBe(503)
    await server.cron()
    const resealed = await readRow()
    expect(decodeProtectedHeader(resealed.sealed_private_jwk ?? '')).toMatchObject({
      kid,
      key: { alg: 'ES256', created: resealed.created_at, activates: resealed.activates_at },
    })
    const later = new TestServer({ clock: server.clock, config: { openid: false }, env: { DB: D1_DOWN } })
    expect(await publishedKids(later)).toEqual(kids)
    await verify(later, token)
  })

  it('a key is resealed after a change of its activation or its end', async () => {
    const { server, client } = await setUp()
    await server.services.keyLife.rotateNow(server.context(), { leadSeconds: 480 })
    await server.settle()
    server.clock.time += 480
    await server.cron()
    await machineToken(server, client)
    const { results } = await env.DB.prepare('SELECT * FROM signing_keys ORDER BY activates_at').all<
      Record<string, string>
    >()
    expect(results).toHaveLength(2)
    for (const { sealed_private_jwk: sealed = '', created_at, activates_at, retires_at } of results) {
      const key = { alg: 'ES256', created: created_at, activates: activates_at, retires: retires_at }
      expect(decodeProtectedHeader(sealed)).toMatchObject({ key })
    }
    const down = new TestServer({ clock: server.clock, config: { openid: false }, env: { DB: D1_DOWN } })
    await machineToken(down, client)
  })
})
