import { describe, expect, it } from 'vitest'
import { ISSUER, TestServer } from '../support/server.ts'

const SELF_SERVICE = { accounts: { customers: { self_service: true } } }

describe('the account pages', () => {
  const server = new TestServer({ config: SELF_SERVICE })
  const open = (path: string, init: RequestInit = {}) =>
    server.fetch(path, { headers: { Accept: 'text/html', Origin: ISSUER }, ...init })

  it.each(['/account/staff', '/account/unknown', '/account/customers/unknown', '/account/customers/'])(
    'the server responds to %s with 404, because self_service is off or the page is unknown',
    async (path) => {
      const response = await open(path)
      expect([response.status, response.headers.get('Content-Type')]).toEqual([
        404,
        'text/html; charset=UTF-8',
      ])
      expect(await response.text()).toContain('<h1>Page not found</h1>')
    },
  )

  it('the account page refuses other methods with 405 (RFC 9110 §15.5.6)', async () => {
    const response = await open('/account/customers', { method: 'PUT' })
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET, HEAD'])
  })
})
