import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import tokensPage from '../docs/tokens.md?raw'
import { createVerifier } from '../packages/verify/src/index.ts'
import { breachScene, FRESH } from './support/breaches.ts'
import { parseTable } from './support/markdown_table.ts'
import {
  credentials,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  type TestServer,
} from './support/server.ts'

/** What an introspection says beside the claims (RFC 7662 §2.2). */
const OF_INTROSPECTION = ['active', 'token_type', 'token_use']

const namesIn = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** The names of each claim, as docs/tokens.md has them. */
const PAGE = [...parseTable(tokensPage, 'name of the claim')].map(([claim, row]) => ({
  claim: namesIn(claim)[0] ?? '',
  verifier: namesIn(row.get('`@sallyport/verify`')),
  introspection: namesIn(row.get('introspection')),
}))

async function introspect(server: TestServer, client: TestClient, token: string) {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  return response.json<Record<string, unknown>>()
}

/** Tokens that have every claim there is: of a customer with roles, who was a guest, and whose password is breached. */
async function fullTokens() {
  const { server, client } = await breachScene()
  const user = await server.addUser({ roles: ['vip'], mustChangePassword: true })
  await env.DB.prepare('UPDATE users SET must_change_password = 1 WHERE id = ?').bind(user.id).run()
  const guest = await server.signIn(client, 'guest', 'guest')
  const tokens = await server.requireTokens({
    grant_type: 'password',
    ...credentials(client),
    username: user.username,
    password: 'correct horse battery staple',
    visitor_access_token: guest.access_token,
  })
  return { server, client, tokens }
}

describe('the claims of docs/tokens.md', () => {
  it('are those of an access token and of a refresh token, and no others', async () => {
    const { tokens } = await fullTokens()
    const claims = parseTable(tokensPage, 'claim')
    const documented = (column: string) =>
      [...claims].filter(([, row]) => row.get(column) !== '–').map(([name]) => name.replaceAll('`', ''))
    expect(Object.keys(decodeJwt(tokens.access_token)).sort()).toEqual(documented('access token').sort())
    expect(Object.keys(decodeJwt(tokens.refresh_token ?? '')).sort()).toEqual(
      documented('refresh token').sort(),
    )
    expect(PAGE.map(({ claim }) => claim)).toEqual([...claims.keys()].map((name) => name.replaceAll('`', '')))
  })

  it('are in the result of the verifier under the names of the page, and nothing else is', async () => {
    const { server, tokens } = await fullTokens()
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      accept: ['must_change_password', 'password_breached'],
      fetch: (url, init) => server.fetch(new URL(url).pathname, init),
    })
    const result = await verifier.verify(tokens.access_token, { now: server.clock.time })
    expect(Object.keys(result).sort()).toEqual(PAGE.flatMap(({ verifier: names }) => names).sort())
    expect(result).toMatchObject({ mustChangePassword: true, passwordBreached: true, isGuest: false })
    expect(Object.values(result)).not.toContain(null)
  })

  it('are in an introspection under the names of the page, and nothing else is', async () => {
    const { server, client, tokens } = await fullTokens()
    const ofAccess = await introspect(server, client, tokens.access_token)
    const ofRefresh = await introspect(server, client, tokens.refresh_token ?? '')
    const names = new Set([...Object.keys(ofAccess), ...Object.keys(ofRefresh)])
    const documented = PAGE.flatMap(({ introspection }) => introspection)
    expect([...names].sort()).toEqual([...documented, ...OF_INTROSPECTION].sort())
    expect(ofAccess).toMatchObject({ must_change_password: true, password_breached: true })
    for (const [name, value] of Object.entries(decodeJwt(tokens.access_token))) {
      expect([name, ofAccess[name]]).toEqual([name, value])
    }
    for (const [name, value] of Object.entries(decodeJwt(tokens.refresh_token ?? ''))) {
      expect([name, ofRefresh[name]]).toEqual([name, value])
    }
  })
})

describe('an introspection', () => {
  it('has the current claims about the password, not those of the token', async () => {
    const { server, client } = await breachScene()
    const user = await server.addUser({ password: FRESH })
    const { access_token } = await server.signIn(client, user.username, FRESH)
    expect(await introspect(server, client, access_token)).not.toHaveProperty('must_change_password')
    const set = env.DB.prepare(
      'UPDATE users SET must_change_password = ?, password_breached = ? WHERE id = ?',
    )
    await set.bind(1, 1, user.id).run()
    expect(await introspect(server, client, access_token)).toMatchObject({
      active: true,
      must_change_password: true,
      password_breached: true,
    })
    await set.bind(0, 0, user.id).run()
    const after = await introspect(server, client, access_token)
    expect(after).toMatchObject({ active: true })
    expect(after).not.toHaveProperty('must_change_password')
    expect(after).not.toHaveProperty('password_breached')
  })
})
