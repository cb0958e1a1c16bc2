import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { TooManyKeys } from '../src/keys/key_maker.ts'
import { PUBLISH_AHEAD_SECONDS } from '../src/keys/key_schedule.ts'
import { emptyStores, TestServer } from './support/server.ts'

// docs/reliability.md states these sizes.
const MAX_FEED_BYTES = 2 * 1024 * 1024
const MAX_DELTA_BYTES = 256 * 1024
const MAX_KEYS_BYTES = 16 * 1024
const MAX_METADATA_BYTES = 16 * 1024

async function sizeOf(server: TestServer, path: string): Promise<number> {
  const response = await server.fetch(path)
  expect(response.status).toBe(200)
  return (await response.arrayBuffer()).byteLength
}

/** Adds entries to the feed, each with the longest possible name, that of a client. */
async function listLongest(count: number, before: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at)
     SELECT 'client_id', hex(randomblob(32)), ?2, 'x', ?2, ?2 + 3600 FROM n`,
  )
    .bind(count, before)
    .run()
}

describe('a document that every reader downloads', () => {
  beforeEach(emptyStores)

  it('the revocation feed has a maximum size: full of the longest entries', async () => {
    const server = new TestServer()
    await listLongest(10_000, server.clock.time - 100)
    expect(await sizeOf(server, '/revocations')).toBeLessThan(MAX_FEED_BYTES)
  })

  it('the revocation feed has a maximum size for any number of new entries', async () => {
    const server = new TestServer()
    for (let i = 0; i < 5; i++) {
      await listLongest(9000, server.clock.time - 100)
      server.clock.time += 5
      expect(await sizeOf(server, '/revocations')).toBeLessThan(MAX_FEED_BYTES)
    }
  })

  it('a delta of the revocation feed has a maximum size', async () => {
    const server = new TestServer()
    await listLongest(2000, server.clock.time - 100)
    expect(await sizeOf(server, '/revocations?since=1000')).toBeLessThan(MAX_DELTA_BYTES)
  })

  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])(
    'the JWKS of %s has a maximum size for any number of key rotations by an operator',
    async (signing_algorithm) => {
      const server = new TestServer({ config: { signing_algorithm } })
      for (let i = 0; i < 20; i++) {
        await server.services.keyLife.rotateNow(server.context()).catch((error: unknown) => {
          expect(error).toBeInstanceOf(TooManyKeys)
        })
        server.clock.time += PUBLISH_AHEAD_SECONDS
      }
      await server.settle()
      expect(await sizeOf(server, '/.well-known/jwks.json')).toBeLessThan(MAX_KEYS_BYTES)
    },
  )

  it('the metadata has a maximum size: a configuration with 300 scopes', async () => {
    const scopes = Array.from({ length: 300 }, (_, i) => `a-scope-with-a-rather-long-name-${i}`)
    const storefront = { audience: 'https://shop.test/api', users: 'customers', scopes }
    const server = new TestServer({ config: { apis: { storefront } } })
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      expect(await sizeOf(server, `/.well-known/${name}`)).toBeLessThan(MAX_METADATA_BYTES)
    }
  })
})
