import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { countingD1 } from './support/faults.ts'
import { credentials, TestServer } from './support/server.ts'

const GUEST = { grant_type: 'password', username: 'guest', password: 'guest' }

describe('guests', () => {
  it('each guest request creates a visitor, with at least 128 random bits in its id', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.signIn(client, 'guest', 'guest')),
    )
    const visitors = answers.map((answer) => decodeJwt(answer.access_token).sub)
    expect(new Set(visitors).size).toBe(20)
    for (const visitor of visitors) expect(visitor).toMatch(/^visitor:[A-Za-z0-9_-]{22}$/)
  })

  it('a guest token needs no store call when the client and the keys are in memory', async () => {
    const { db, statements } = countingD1()
    const server = new TestServer({ env: { DB: db } })
    const client = await server.addClient()
    await server.signIn(client, 'guest', 'guest')
    statements.length = 0
    await server.signIn(client, 'guest', 'guest')
    expect(statements).toEqual([])
  })

  it('a guest gets scopes of guest_scopes only', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const answer = await server.signIn(client, 'guest', 'guest')
    expect(answer.scope).toBe('cart catalog')
    const response = await server.postJson({ ...GUEST, ...credentials(client), scope: 'cart orders' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_scope' })
  })

  it('a refresh keeps the visitor id', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const first = await server.signIn(client, 'guest', 'guest')
    const second = await server.refresh(client, first.refresh_token)
    expect(decodeJwt(second.access_token)).toMatchObject({
      sub: decodeJwt(first.access_token).sub,
      sid: decodeJwt(first.access_token).sid,
      scope: 'cart catalog',
    })
  })

  it('a public client gets guest tokens', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    await server.signIn(client, 'guest', 'guest')
  })

  it('an API without guests refuses guest sign-ins and refreshes of guests', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const backoffice = await server.addClient({ api: 'backoffice' })
    const response = await server.postJson({ ...GUEST, ...credentials(backoffice) })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'The user credentials were incorrect.',
    })
    const { refresh_token } = await server.signIn(client, 'guest', 'guest')
    const apis = { storefront: { audience: 'https://shop.test/api', users: 'customers' } }
    const without = new TestServer({ config: { apis } })
    const refused = await without.postJson({
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token,
    })
    expect(await refused.json()).toMatchObject({ error: 'invalid_grant' })
  })
})
