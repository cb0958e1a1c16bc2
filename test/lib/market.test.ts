import { describe, expect, it } from 'vitest'
import { marketOf } from '../../src/lib/market.ts'
import { TestServer } from '../support/server.ts'
import { IN_OBJECTS } from '../support/session_objects.ts'

describe('the market of a caller', () => {
  it.each([
    ['San Francisco', 'NA', -122.4, 'wnam'],
    ['Chicago', 'NA', -87.6, 'enam'],
    ['a place in North America', 'NA', null, 'enam'],
    ['São Paulo', 'SA', -46.6, 'sam'],
    ['Frankfurt', 'EU', 8.7, 'weur'],
    ['Bucharest', 'EU', 26.1, 'eeur'],
    ['a place in Europe', 'EU', null, 'weur'],
    ['Dubai', 'AS', 55.3, 'me'],
    ['Singapore', 'AS', 103.8, 'apac'],
    ['Sydney', 'OC', 151.2, 'oc'],
    ['Nairobi', 'AF', 36.8, 'afr'],
    ['Antarctica', 'AN', 0, 'enam'],
    ['an unknown place', null, 0, 'enam'],
  ] as const)('of %s is %s', (_, continent, longitude, market) => {
    expect(marketOf({ continent, longitude })).toBe(market)
  })

  it.each(['', 'east', '181', '-1e9'])('ignores the longitude %j', async (longitude) => {
    const server = new TestServer({ config: IN_OBJECTS })
    server.continent = 'NA'
    server.longitude = longitude
    const { access_token } = await server.signIn(await server.addClient(), 'guest', 'guest')
    expect(atob(access_token.split('.')[1] ?? '')).toContain('"sid":"enam-')
  })
})
