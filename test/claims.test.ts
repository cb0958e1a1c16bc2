import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import tokensPage from '../docs/tokens.md?raw'
import { decodeClaims, CLAIMS as VERIFIER_CLAIMS } from '../packages/verify/src/claims.ts'
import { createVerifier } from '../packages/verify/src/index.ts'
import { CLAIMS, type ClaimTarget, formatClaims, parseClaims, sessionFactsOf } from '../src/tokens/claims.ts'
import { breachScene, FRESH } from './support/breaches.ts'
import { parseTable } from './support/markdown_table.ts'
import {
  credentials,
  ISSUER,
  STOREFRONT_AUDIENCE,
  type TestClient,
  type TestServer,
} from './support/server.ts'

/** The members of an introspection that are not claims (RFC 7662 §2.2). */
const OF_INTROSPECTION = ['active', 'token_type', 'token_use']

const namesIn = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** The second table of docs/tokens.md: the names of each claim in the verifier and in an introspection. */
const PAGE = [...parseTable(tokensPage, 'name of the claim')].map(([claim, row]) => ({
  claim: namesIn(claim)[0] ?? '',
  verifier: namesIn(row.get('`@sallyport/verify`')),
  introspection: namesIn(row.get('introspection')),
}))

async function introspect(server: TestServer, client: TestClient, token: string) {
  const response = await server.postJson({ ...credentials(client), token }, {}, '/oauth2-token/introspect')
  return response.json<Record<string, unknown>>()
}

/** Tokens with every issued claim: of a customer with roles, who was a guest and has a breached password. */
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

describe('the claim tables of docs/tokens.md', () => {
  it('the first table lists the claims of an access token and of a refresh token, and no others', async () => {
    const { tokens } = await fullTokens()
    const claims = parseTable(tokensPage, 'claim')
    const documented = (column: string) =>
      [...claims].filter(([, row]) => row.get(column) !== '–').map(([name]) => name.replaceAll('`', ''))
    expect(Object.keys(decodeJwt(tokens.access_token)).sort()).toEqual(documented('access token').sort())
    expect(Object.keys(decodeJwt(tokens.refresh_token ?? '')).sort()).toEqual(
      documented('refresh token').sort(),
    )
    const named = PAGE.map(({ claim }) => claim)
    for (const name of claims.keys()) expect(named).toContain(name.replaceAll('`', ''))
  })

  it("the second table has each row of the server's claims table", () => {
    const rows = Object.values(CLAIMS).map(({ name, targets }) => {
      const isIn = (target: ClaimTarget) => (targets as readonly ClaimTarget[]).includes(target)
      return { name, verifier: isIn('verifier'), introspection: isIn('introspection') ? [name] : [] }
    })
    const documented = PAGE.map(({ claim, verifier, introspection }) => {
      return { name: claim, verifier: verifier.length > 0, introspection }
    })
    expect(documented).toEqual(
      rows.filter(({ verifier, introspection }) => verifier || introspection.length > 0),
    )
  })
})

describe('the facts of a session', () => {
  const token = {
    issuer: 'https://id.test',
    audience: 'https://id.test',
    subject: 'user:1',
    clientId: 'shop',
  }
  const times = { issuedAt: 1, expiresAt: 2, jti: 's1.x.0' }
  const facts = {
    sid: 's1.x',
    visitorId: 'visitor:2',
    authTime: 3,
    amr: ['pwd', 'otp'],
    acr: 'urn:sallyport:2',
    keyThumbprint: 'thumb',
    nonce: 'n',
    api: 'shop',
    clientMethod: 'private_key_jwt',
    isBoundLater: true,
  }

  it('a refresh token keeps every fact of its session except the nonce', () => {
    const claims = parseClaims(formatClaims({ ...token, ...times, ...facts }, 'refresh_token'))
    expect(sessionFactsOf({ ...claims, sid: facts.sid })).toEqual({ ...facts, nonce: null })
  })

  it('an ID token has the facts that OpenID Connect Core §2 names, and no visitor id or key', () => {
    expect(formatClaims({ ...token, ...times, ...facts }, 'id_token')).toEqual({
      iss: 'https://id.test',
      aud: 'https://id.test',
      sub: 'user:1',
      iat: 1,
      exp: 2,
      sid: 's1.x',
      auth_time: 3,
      amr: ['pwd', 'otp'],
      acr: 'urn:sallyport:2',
      nonce: 'n',
    })
  })
})

describe('the verifier package', () => {
  it("the verifier's table has every claim of the server's table that names the verifier", () => {
    const ofServer = Object.entries(CLAIMS)
      .filter(([, { targets }]) => (targets as readonly ClaimTarget[]).includes('verifier'))
      .map(([member, { name }]) => [member, name])
    const ofVerifier = Object.entries(VERIFIER_CLAIMS).map(([member, { name }]) => [member, name])
    expect(ofVerifier).toEqual(ofServer)
  })

  it("the verifier reads the values that the server's table writes", () => {
    const values = {
      issuer: 'https://id.test',
      audience: 'https://api.test',
      subject: 'user:1',
      clientId: 'shop',
      issuedAt: 1,
      expiresAt: 2,
      jti: 'j',
      sid: 's1.x',
      scope: ['cart', 'orders'],
      roles: ['vip'],
      visitorId: 'visitor:2',
      authTime: 3,
      amr: ['pwd', 'otp'],
      acr: 'urn:sallyport:2',
      keyThumbprint: 'thumb',
      mustChangePassword: true,
      passwordBreached: true,
    }
    const payload = formatClaims(values, 'access_token')
    expect(decodeClaims(payload)).toEqual({ ...values, isGuest: false, payload })
    expect(parseClaims(payload)).toEqual({
      ...values,
      nonce: null,
      api: null,
      clientMethod: null,
      isBoundLater: false,
      seq: null,
    })
  })

  it('the result of the verifier has the claims of an access token under the names of the page', async () => {
    const { server, tokens } = await fullTokens()
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      accept: ['must_change_password', 'password_breached'],
      fetch: (url, init) => server.fetch(new URL(url).pathname, init),
    })
    const result = await verifier.verify(tokens.access_token, { now: server.clock.time })
    const documented = PAGE.flatMap(({ verifier: names }) => names)
    expect(Object.keys(result).sort()).toEqual([...documented, 'payload'].sort())
    expect(result).toMatchObject({ mustChangePassword: true, passwordBreached: true, isGuest: false })
    expect(result.payload).toEqual(decodeJwt(tokens.access_token))
    const absent = Object.keys(result).filter((member) => result[member as keyof typeof result] === null)
    expect(absent).toEqual(['keyThumbprint'])
  })
})

describe('an introspection', () => {
  it('an introspection has the claims of the token under the names of the page, and no others', async () => {
    const { server, client, tokens } = await fullTokens()
    const ofAccess = await introspect(server, client, tokens.access_token)
    const ofRefresh = await introspect(server, client, tokens.refresh_token ?? '')
    const names = new Set([...Object.keys(ofAccess), ...Object.keys(ofRefresh)])
    const documented = PAGE.flatMap(({ introspection }) => introspection)
    expect([...documented, ...OF_INTROSPECTION]).toEqual(expect.arrayContaining([...names]))
    const absent = documented.filter((name) => !names.has(name))
    expect(absent).toEqual(['cnf'])
    expect(ofAccess).toMatchObject({ must_change_password: true, password_breached: true })
    for (const [name, value] of Object.entries(decodeJwt(tokens.access_token))) {
      expect([name, ofAccess[name]]).toEqual([name, value])
    }
    for (const [name, value] of Object.entries(decodeJwt(tokens.refresh_token ?? ''))) {
      expect([name, ofRefresh[name]]).toEqual([name, value])
    }
  })

  it('an introspection has the claims about the password as the database has them now', async () => {
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
