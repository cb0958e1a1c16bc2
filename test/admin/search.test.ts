import { decodeJwt } from 'jose'
import { beforeEach, expect, it } from 'vitest'
import { describeCustomers } from '../support/customer_places.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'

describeCustomers('the search', () => {
  beforeEach(emptyStores)

  it('the search finds users, clients, sessions and keys, with their types', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const support = await TestOperator.signIn(server, ['support'])
    const client = await server.addClient({ id: 'zebra-shop', name: 'The Zebra Shop' })
    const profile = { name: 'Élodie Zèbre' }
    const names = ['zebra', 'a.zebra', 'b.zebra', 'c.zebra', 'd.zebra', 'e.zebra']
    const ids = new Map<string, unknown>()
    for (const username of names) {
      const draft = { pool: 'customers', username, password: PASSWORD, profile }
      ids.set(username, (await operator.post('/users', draft)).body.id)
    }
    const { access_token } = await server.signIn(client, 'zebra')
    const { sid } = decodeJwt<{ sid: string }>(access_token)
    let more: unknown
    const find = async (q: string) => {
      const { status, body } = await support.get(`/search?q=${encodeURIComponent(q)}`)
      expect(status).toBe(200)
      expect(Object.keys(body)).toEqual(['items', 'more'])
      more = body.more
      return body.items
    }
    const user = (username: string) => ({
      type: 'user',
      id: ids.get(username),
      name: username,
      detail: 'customers',
    })
    const shop = { type: 'client', id: 'zebra-shop', name: 'The Zebra Shop', detail: 'storefront' }
    expect(await find(' ZEBRA ')).toEqual([...names.slice(0, 5).map(user), shop])
    expect(more).toEqual(['user'])
    expect(await find('elodie z')).toEqual([...names.slice(1), 'zebra'].slice(0, 5).map(user))
    expect(await find(String(ids.get('c.zebra')))).toEqual([user('c.zebra')])
    expect(more).toEqual([])
    expect(await find('the zebra s')).toEqual([shop])
    expect(await find(sid)).toEqual([{ type: 'session', id: sid, name: 'zebra', detail: 'live' }])
    expect(await find(`${sid.slice(0, -1)}_`)).toEqual([])
    const [key] = (await operator.get('/keys')).body.items as { kid: string; state: string }[]
    expect(await find(key?.kid.slice(0, 3) ?? '')).toEqual([])
    expect(await find(key?.kid ?? '')).toEqual([
      { type: 'key', id: key?.kid, name: null, detail: key?.state },
    ])
    expect(await find('nothing has this text')).toEqual([])
    for (const path of ['/search', '/search?q=']) expect((await support.get(path)).status).toBe(400)
  })
})
