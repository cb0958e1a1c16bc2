import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../../packages/verify/src/verifier.ts'
import { credentials, emptyStores, ISSUER, STOREFRONT_AUDIENCE, TestServer } from '../support/server.ts'

/** The server, an API with the verifier, and the size of each poll in bytes. */
async function setUp() {
  const server = new TestServer()
  const client = await server.addClient()
  const polls: { query: string; status: number; bytes: number }[] = []
  const fetch = async (url: string, { headers }: { headers: Record<string, string> }) => {
    const { pathname, search } = new URL(url)
    const response = await server.fetch(pathname + search, { headers })
    const bytes = (await response.clone().arrayBuffer()).byteLength
    if (pathname === '/revocations') polls.push({ query: search, status: response.status, bytes })
    return response
  }
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: STOREFRONT_AUDIENCE,
    fetch,
    revocations: { pollSeconds: 5 },
  })
  const isAccepted = async (token: string) => {
    const work: Promise<unknown>[] = []
    const verify = () =>
      verifier.verify(token, { now: server.clock.time, waitUntil: (poll) => work.push(poll) }).then(
        () => true,
        () => false,
      )
    await verify()
    await Promise.all(work)
    return verify()
  }
  return { server, client, polls, isAccepted }
}

describe('the verifier with the feed of the server', () => {
  beforeEach(emptyStores)

  it('the verifier refuses a revoked token within one poll and the age of the list, and a poll has a few hundred bytes', async () => {
    const { server, client, polls, isAccepted } = await setUp()
    const { username } = await server.addUser()
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at)
       SELECT 'sid', 's1.' || hex(randomblob(11)), ?1 + 60, 'x', ?1, ?1 + 3600 FROM n`,
    )
      .bind(server.clock.time)
      .run()
    const { access_token } = await server.signIn(client, username)
    expect(await isAccepted(access_token)).toBe(true)
    await server.postJson({ ...credentials(client), token: access_token }, {}, '/oauth2-token/revoke')
    server.clock.time += 5
    expect(await isAccepted(access_token)).toBe(false)
    for (let i = 0; i < 2; i++) {
      server.clock.time += 5
      expect(await isAccepted(access_token)).toBe(false)
    }
    expect(polls.map(({ query, status }) => [query, status])).toEqual([
      ['', 200],
      ['?since=1000', 200],
      ['?since=1001', 200],
      ['?since=1001', 304],
    ])
    expect(polls[0]?.bytes).toBeGreaterThan(50_000)
    for (const { bytes } of polls.slice(1)) expect(bytes).toBeLessThan(500)
  })

  it('the verifier refuses the tokens of a merged entry, and accepts the next token of a live session', async () => {
    const { server, client, isAccepted } = await setUp()
    const { username } = await server.addUser()
    const dead = await server.signIn(client, username)
    const living = await server.signIn(client, username)
    await server.postJson({ ...credentials(client), token: dead.access_token }, {}, '/oauth2-token/revoke')
    server.clock.time += 70
    expect(await isAccepted(living.access_token)).toBe(true)
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at, client_id)
       SELECT 'sid', 's1.' || i, ?1, 'x', ?1, ?1 + 3600, ?2 FROM n`,
    )
      .bind(server.clock.time - 5, client.id)
      .run()
    server.clock.time += 5
    expect(await isAccepted(living.access_token)).toBe(false)
    expect(await isAccepted(dead.access_token)).toBe(false)
    const next = await server.refresh(client, living.refresh_token)
    expect(await isAccepted(next.access_token)).toBe(true)
  })
})
