import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { countingD1 } from './support/faults.ts'
import { credentials, TestServer } from './support/server.ts'

const GUEST = { grant_type: 'password', username: 'guest', password: 'guest' }

describe('guests', () => {
  it('get tokens of a new visitor each, with at least 128 random bits in the id', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.signIn(client, 'guest', 'guest')),
    )
    const visitors = answers.map((answer) => decodeJwt(answer.access_token).sub)
    expect(new Set(visitors).size).toBe(20)
    for (const visitor of visitors) expect(visitor).toMatch(/^visitor:[A-Za-z0-9_-]{22}$/)
  })

  it('are served with no store call at all, once the client and the keys are in memory', async () => {
    const { db, statements } = countingD1()
    const server = new TestServer({ env: { DB: db } })
    const client = await server.addClient()
    await server.signIn(client, 'guest', 'guest')
    statements.length = 0
    await server.signIn(client, 'guest', 'guest')
    expect(statements).toEqual([])
  })

  it('get the scopes of guests, and may ask for no other', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const answer = await server.signIn(client, 'guest', 'guest')
    expect(answer.scope).toBe('cart catalog')
    const response = await server.postJson({ ...GUEST, ...credentials(client), scope: 'cart orders' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_scope' })
  })

  it('keep their visitor id when they refresh', async () => {
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

  it('are served to a public client too', async () => {
    const server = new TestServer()
    const client = await server.addClient({ confidential: false })
    await server.signIn(client, 'guest', 'guest')
  })

  it('are refused at an API without guests, and their sessions end where guests are turned off', async () => {
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
